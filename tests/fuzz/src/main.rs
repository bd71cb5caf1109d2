//! `cargo run -p swarmline-fuzz -- list | seeds <folder> | run <target> <file>…`: what `cargo xtask fuzz` does not need
//! nightly for.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};
use swarmline_fuzz::{TARGETS, target};

const USAGE: &str = "usage: swarmline-fuzz list
       swarmline-fuzz seeds <folder>            write every target's seeds
       swarmline-fuzz run <target> <file>…      run a target once on each file";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["list"] => list(),
        ["seeds", folder] => seeds(Path::new(folder)),
        ["run", name, files @ ..] if !files.is_empty() => run(name, files),
        _ => Err(io::Error::other(USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Name, longest input and subject of each target, with tabs between.
fn list() -> io::Result<()> {
    for target in TARGETS {
        println!("{}\t{}\t{}", target.name, target.longest, target.about);
    }
    Ok(())
}

fn seeds(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in (target.seeds)() {
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}

fn run(name: &str, files: &[&str]) -> io::Result<()> {
    let target = target(name).ok_or_else(|| io::Error::other(format!("no target {name:?}")))?;
    for file in files {
        let bytes = fs::read(file)?;
        println!("{name} {file}: {} bytes", bytes.len());
        (target.run)(&bytes);
    }
    Ok(())
}
