//! `swarmline`: the command beside a packager and a player page.
mod boxes;
mod demo;
mod integrity_list;
mod keygen;
mod seal;
mod signature;
mod simulate;

use clap::{Parser, Subcommand};

/// Peer-to-peer delivery for live and on-demand streams.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add segment hashes to HLS playlists and MPDs, once or beside a running packager.
    Seal(seal::Args),
    /// Make a key that signs playlists and integrity lists.
    Keygen(keygen::Args),
    /// Serve a live event, a tracker and the demo page from one process.
    Demo(demo::Args),
    /// Run a large audience in virtual time and print what the CDN saved and what viewers saw.
    Simulate(simulate::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Seal(args) => seal::run(args),
        Command::Keygen(args) => keygen::run(&args),
        Command::Demo(args) => demo::run(args),
        Command::Simulate(args) => simulate::run(&args),
    }
}
