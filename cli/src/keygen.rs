//! `swarmline keygen`: makes a key that signs, and says what viewers have to know of it.

use crate::signature;
use std::path::PathBuf;

/// Arguments of `swarmline keygen`.
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// The private key's file (PKCS#8 PEM). Made, for its owner alone to read; one that is there is not touched.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Make nothing: tell of a key that is there.
    #[arg(long)]
    show: bool,
}

const HELP: &str = "\
Prints the public key, as the option `publisherKeys` takes it, and its id.

Examples:
  swarmline keygen publisher.pem
  swarmline seal --watch --key publisher.pem --stream final-2026 live/ sealed/

A key made by `openssl genpkey -algorithm ed25519` is as good.";

/// Runs the command.
///
/// # Errors
/// The file is there already or cannot be written; with `--show`, there is no key in it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let key = if args.show {
        signature::public(&args.file)?
    } else {
        signature::create(&args.file)?
    };
    println!("publisherKeys: [\"{}\"]", signature::text(&key));
    println!("key id: {}", signature::id(&key));
    Ok(())
}
