//! `swarmline seal`: adds the hashes of all segments to the playlists of any packager, and integrity lists to its MPDs.
//!
//! The work is done by [`Sealer`], which other commands use too; this module is the command around
//! it: arguments, signals, and words on the terminal.

mod catalog;
mod console;
mod digests;
mod folders;
mod hash;
mod indexes;
mod ledger;
mod looks;
mod mpd;
mod output;
mod pass;
mod plan;
mod playlist;
mod report;
mod scan;
mod sealer;
mod signing;
mod stop;
mod uri;
mod wait;

pub(crate) use report::Report;
pub(crate) use sealer::{INTERVAL, Options, Sealer};
pub(crate) use stop::Stop;

use crate::signature::Signer;
use anyhow::Context as _;
use console::Console;
use std::path::PathBuf;
use std::time::Duration;

/// Exit code after Ctrl-C in the middle of a one-time seal, as shells have it.
const INTERRUPTED: i32 = 130;

/// Arguments of `swarmline seal`.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// The packager's output folder: HLS playlists, MPDs and segments, in any depth of folders. Only read.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where the sealed stream goes; made if missing. Serve this folder instead of IN.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Go on beside a running packager, until Ctrl-C or SIGTERM.
    #[arg(long)]
    watch: bool,
    /// With --watch: milliseconds between two looks at IN (10 to 60000).
    #[arg(long, value_name = "MS", default_value_t = INTERVAL.as_millis() as u64, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    interval: u64,
    /// Copy segments even where they could be hard-linked (for packagers that overwrite old segments in place).
    #[arg(long)]
    copy: bool,
    /// Hash everything again, even what OUT shows to be unchanged since an earlier run.
    #[arg(long)]
    rehash: bool,
    /// Sign playlists and integrity lists with this private key (Ed25519, PKCS#8 PEM; see `swarmline keygen`). May be given
    /// up to 8 times: while one key replaces another, both sign.
    #[arg(long, value_name = "FILE", requires = "stream")]
    key: Vec<PathBuf>,
    /// With --key: the stream's name, which viewers have in their option `swarmId`.
    #[arg(long, value_name = "NAME", requires = "key")]
    stream: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  swarmline seal film/ sealed/             once, for a finished film
  swarmline seal --watch live/ sealed/     beside a running packager; start it before or after
  swarmline seal --key publisher.pem --stream film-7 film/ sealed/
                                           signed: see `swarmline keygen`

Exit codes:
  0  everything sealed; or a watch that was ended
  1  something could not be sealed (the rest was), or the folders cannot be used
  2  wrong arguments
  130  interrupted before everything was sealed";

/// Runs the command.
///
/// # Errors
/// The folders cannot be used; or, without `--watch`, something could not be sealed.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let stop = Stop::default();
    end_on_signals(stop.clone())?;
    let options = Options {
        interval: Duration::from_millis(args.interval),
        copy: args.copy,
        rehash: args.rehash,
        signer: match &args.stream {
            Some(stream) => Some(Signer::open(stream, &args.key)?),
            None => None,
        },
        ..Options::new(args.input, args.output)
    };
    let console = Console::new(!args.watch);
    let mut sealer = Sealer::open(options.clone(), args.watch, console.sink())?;
    if args.watch {
        console.watching(&options);
        console.summary(&sealer.watch(&stop));
        return Ok(());
    }
    let summary = sealer.once(&stop)?;
    console.summary(&summary);
    if stop.is_set() {
        drop(sealer);
        std::process::exit(INTERRUPTED);
    }
    match summary.failures.len() {
        0 => Ok(()),
        n => anyhow::bail!("{n} not sealed, see above; everything else is"),
    }
}

/// The first signal asks for a clean end, the second one does not ask.
fn end_on_signals(stop: Stop) -> anyhow::Result<()> {
    let handler = move || {
        if stop.is_set() {
            std::process::exit(INTERRUPTED);
        }
        stop.set();
    };
    ctrlc::set_handler(handler).context("cannot listen for Ctrl-C")
}
