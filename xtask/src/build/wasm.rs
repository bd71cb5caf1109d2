//! The WebAssembly module and its bindings.

use super::names;
use crate::process;
use crate::project::Project;
use crate::stamp::Step;
use crate::tools;
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";

/// The generated glue warns of parameters that nobody here passes, and of a server that calls the module something else, which is
/// no harm: it is then compiled when it has come.
const GLUE: [&str; 1] = ["--pure:console.warn"];

/// Size first, and exactly the features that rustc's target already assumes of every browser. What counts is the size after
/// brotli: code that is inlined, or that shares locals and values, is shorter, but repeats itself less, and 3 KB are lost; so with
/// data cut at its zeros. In the order of their names, instances of one generic function lie together, which is worth half a KB.
const WASM_OPT: [&str; 15] = [
    "-Oz",
    "--converge",
    "--skip-pass=inlining-optimizing",
    "--skip-pass=merge-locals",
    "--skip-pass=local-cse",
    "--skip-pass=memory-packing",
    "--reorder-functions-by-name",
    "--strip-debug",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--strip-producers",
];

const BINDINGS: [&str; 3] = ["swarmline.js", "swarmline.d.ts", "swarmline_bg.wasm"];

/// Builds the module into `js/dist/wasm`.
///
/// # Errors
/// The target cannot be added; cargo, the generator or the optimiser failed.
pub(crate) fn build(project: &Project) -> Result<()> {
    ensure_target(project)?;
    let compiled = compile(project)?;
    let bindings = project.scratch("bindings");
    bind_step(project, &compiled, &bindings)?;
    optimise_step(project, &bindings)
}

/// Adds the Rust target where it is missing.
///
/// # Errors
/// It is missing, and there is no rustup or no network.
pub(crate) fn ensure_target(project: &Project) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(project.root());
    let libraries = process::quiet(&mut rustc)?;
    if Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    println!("  adding the Rust target {TARGET}");
    process::quiet(
        Command::new("rustup")
            .args(["target", "add", TARGET])
            .current_dir(project.root()),
    )
    .map(drop)
    .with_context(|| {
        format!("the Rust target {TARGET} is missing; install it with your Rust toolchain")
    })
}

/// Cargo knows best what is up to date; asking it takes a fraction of a second.
fn compile(project: &Project) -> Result<PathBuf> {
    let mut cargo = cargo_build(project);
    process::run(cargo.args(["--profile", "wasm"]))?;
    Ok(project.target(&format!("{TARGET}/wasm/swarmline.wasm")))
}

/// Places in messages of panics name no folder of whoever built the module: it comes out the same everywhere.
fn cargo_build(project: &Project) -> Command {
    let mut cargo = project.cargo(["build", "--quiet", "--lib", "--package", "swarmline"]);
    cargo.args(["--target", TARGET]);
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    if let Some(home) = home.or_else(|| Some(env::home_dir()?.join(".cargo"))) {
        let flag = format!("--remap-path-prefix={}=cargo", home.display());
        // As JSON and TOML have it; flags of several sources are joined.
        cargo.arg("--config");
        cargo.arg(format!("target.{TARGET}.rustflags=[{flag:?}]"));
    }
    cargo
}

/// Compiles the test-suite's variant, with debug assertions, and generates bindings for Node.js.
///
/// # Errors
/// The compiler's and the generator's.
pub(crate) fn selftest(project: &Project, out: &Path) -> Result<()> {
    selftest_as(project, "dev", out)
}

/// The same, compiled and optimised as what ships is, for whoever measures time.
///
/// # Errors
/// The compiler's, the generator's and the optimiser's.
pub(crate) fn selftest_as_shipped(project: &Project, out: &Path) -> Result<()> {
    selftest_as(project, "wasm", out)?;
    let optimised = project.scratch("optimised.wasm");
    let [_, _, module] = BINDINGS;
    optimise(project, &out.join(module), &optimised)?;
    fs::copy(&optimised, out.join(module))?;
    Ok(())
}

fn selftest_as(project: &Project, profile: &str, out: &Path) -> Result<()> {
    ensure_target(project)?;
    let mut cargo = cargo_build(project);
    process::run(cargo.args(["--features", "selftest", "--profile", profile]))?;
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    let folder = if profile == "dev" { "debug" } else { profile };
    Bindgen::new()
        .nodejs(true)?
        .input_path(project.target(&format!("{TARGET}/{folder}/swarmline.wasm")))
        .generate(out)
        .context("wasm-bindgen failed")
}

fn bind_step(project: &Project, compiled: &Path, bindings: &Path) -> Result<()> {
    Step {
        name: "bindings",
        inputs: vec![compiled.to_path_buf()],
        // How it is done decides what comes out: the generator's version, and this file.
        settings: [
            include_str!("../../Cargo.toml"),
            include_str!("wasm.rs"),
            include_str!("names.rs"),
        ]
        .concat(),
        outputs: outputs_in(bindings),
    }
    .run(project, || {
        if bindings.exists() {
            fs::remove_dir_all(bindings)?;
        }
        let mut output = Bindgen::new()
            .web(true)?
            .typescript(true)
            .input_path(compiled)
            .out_name("swarmline")
            // wasm-opt needs the names, and takes them away.
            .remove_name_section(false)
            .remove_producers_section(true)
            .generate_output()
            .context("wasm-bindgen failed")?;
        let short = names::shorten(&mut output);
        output.emit(bindings).context("wasm-bindgen failed")?;
        let [glue, types, _] = BINDINGS;
        names::apply(&short, &bindings.join(glue))?;
        names::apply(&short, &bindings.join(types))
    })
}

fn outputs_in(dir: &Path) -> Vec<PathBuf> {
    BINDINGS.iter().map(|name| dir.join(name)).collect()
}

fn optimise_step(project: &Project, bindings: &Path) -> Result<()> {
    let dist = project.path("js/dist/wasm");
    let mut inputs = outputs_in(bindings);
    inputs.push(project.path("js/package-lock.json"));
    Step {
        name: "wasm-opt",
        inputs,
        settings: [&WASM_OPT[..], &GLUE].concat().join(" "),
        outputs: outputs_in(&dist),
    }
    .run(project, || {
        fs::create_dir_all(&dist)?;
        let [glue, types, module] = BINDINGS;
        let optimised = project.scratch("optimised.wasm");
        optimise(project, &bindings.join(module), &optimised)?;
        fs::copy(&optimised, dist.join(module))?;
        fs::copy(bindings.join(types), dist.join(types))?;
        super::typescript::esbuild(project, &[bindings.join(glue)], &GLUE, bindings, &dist)
    })
}

fn optimise(project: &Project, input: &Path, output: &Path) -> Result<()> {
    let mut wasm_opt = tools::node()?;
    wasm_opt
        .arg(project.path("js/node_modules/binaryen/bin/wasm-opt"))
        .args(WASM_OPT)
        .arg(input)
        .arg("-o")
        .arg(output);
    process::quiet(&mut wasm_opt)?;
    let size = |path: &Path| fs::metadata(path).map(|meta| meta.len());
    if size(output)? == 0 || size(output)? > size(input)? {
        bail!("wasm-opt made the module larger");
    }
    Ok(())
}
