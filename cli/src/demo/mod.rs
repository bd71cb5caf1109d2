//! `swarmline demo`: a live origin, a WebTorrent tracker and the page, in one process on loopback.
//!
//! | path | what |
//! |---|---|
//! | `/`, `/www/…`, `/dist/…`, `/vendor/…` | the page and the built package |
//! | `/live/master.m3u8` | an endless live event: two renditions and sound, every segment sealed |
//! | `/live/…` with `--input` | a packager's output folder, sealed as it grows |
//! | `/live/manifest.mpd` | the same event, the same segments, for DASH; hashes in `/live/integrity.json` |
//! | `/low-latency/manifest.mpd` | the same event in chunks of half a second, sent while segments grow |
//! | `/vod/master.m3u8`, `/vod/manifest.mpd` | four rounds of the same as a recording |
//! | `/time` | the time, for players of the MPD |
//! | `/tracker` | the tracker (WebSocket) |
//! | `/control/stats`, `/control/reset`, `/control/faults` | what left the origin, and what is to go wrong |
//!
//! Nothing here trusts a client: paths name what the origin made itself or files below a folder,
//! messages and queues have caps, and a connection that stalls is ended.

mod assets;
mod body;
mod chunks;
mod clip;
mod control;
mod counters;
mod event;
mod faults;
mod folder;
mod low_latency;
mod media;
mod mpd;
mod oddities;
mod origin;
mod playlist;
mod range;
mod server;
mod signed;
mod tracker;

use crate::signature::Signer;
use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use counters::Counters;
use event::{Event, Stream};
use faults::Faults;
use folder::Folder;
use low_latency::LowLatency;
use origin::Found;
use signed::Signed;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tracker::Tracker;

/// Arguments of `swarmline demo`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on; 0 lets the system choose.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Segments in the built-in stream's live playlists.
    #[arg(long, default_value_t = 8, conflicts_with = "input", value_parser = clap::value_parser!(u64).range(3..=100))]
    window: u64,
    /// Repeat the v0.mp4, v1.mp4 and a0.mp4 in this folder instead of the built-in clip, whose make they must have
    /// (see media/make-clip.sh).
    #[arg(long, value_name = "DIR", conflicts_with = "input")]
    clip: Option<PathBuf>,
    /// Serve this packager's output folder as /live/ instead of the built-in event; it is only read,
    /// and sealed into a temporary folder as `swarmline seal --watch` does.
    #[arg(long, value_name = "DIR")]
    input: Option<PathBuf>,
    /// Folder that holds www/ and js/ [default: nearest above the current directory or the executable].
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
    /// Sign playlists and integrity lists with this private key (see `swarmline keygen`); may be given several times.
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// With --key: the stream's name, which viewers have in their option `swarmId`.
    #[arg(long, value_name = "NAME", default_value = "demo", requires = "key")]
    stream: String,
    /// Write each request to standard error.
    #[arg(short, long)]
    verbose: bool,
}

/// What all connections share.
struct App {
    event: Event,
    low_latency: LowLatency,
    folder: Option<Folder>,
    faults: watch::Sender<Faults>,
    counters: Arc<Counters>,
    tracker: Tracker,
    signed: Option<Signed>,
}

impl App {
    /// What lies at a path of a stream; `digest`: whether a folder's files are to be hashed for it.
    fn find(&self, stream: Stream, path: &str, digest: bool) -> anyhow::Result<Option<Found>> {
        match &self.folder {
            Some(folder) if stream == Stream::Live => folder.find(path, digest),
            _ => origin::built_in(&self.event, stream, path),
        }
    }
}

/// Runs the command until Ctrl-C or SIGTERM.
///
/// # Errors
/// The page's files are missing, or the address cannot be listened on.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(serve(args));
    // What still runs has had its grace period.
    runtime.shutdown_timeout(Duration::ZERO);
    result
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let assets = assets::locate(args.assets.as_deref())?;
    let signals = server::signals()?;
    let (stopper, stop) = server::stopping();
    let faults = watch::Sender::new(Faults::default());
    let signer = match args.key.as_slice() {
        [] => None,
        files => Some(Signer::open(&args.stream, files)?),
    };
    let app = Arc::new(App {
        event: Event::new(args.window, args.clip.as_deref())?,
        low_latency: LowLatency::default(),
        folder: args
            .input
            .as_deref()
            .map(|input| Folder::seal(input, signer.clone(), args.verbose))
            .transpose()?,
        tracker: Tracker::new(faults.subscribe(), stop.clone()),
        faults,
        counters: Arc::default(),
        signed: signer.map(Signed::new),
    });
    // The first viewer should not wait for the window to be hashed.
    for track in 0..app.event.tracks().len() {
        app.event.media(Stream::Live, track)?;
    }
    let host = args.host.trim_matches(['[', ']']);
    let listener = TcpListener::bind((host, args.port))
        .await
        .with_context(|| format!("cannot listen on {}, port {}", args.host, args.port))?;
    announce(listener.local_addr()?, args.input.as_deref());
    let routes = routes(app, assets::routes(&assets), args.verbose);
    tokio::select! {
        () = server::serve(listener, routes, stop) => {}
        () = signals => {}
    }
    stopper.stop().await;
    Ok(())
}

fn announce(address: SocketAddr, input: Option<&Path>) {
    let what = input.map_or("built-in event".into(), |input| input.to_string_lossy());
    let dash = match input {
        None => format!(
            "DASH     http://{address}/live/manifest.mpd\n\
             fast     http://{address}/low-latency/manifest.mpd  (DASH, 3 s behind)\n"
        ),
        Some(_) => String::new(),
    };
    let lines = format!(
        "listening on http://{address}/\n\n\
         page     http://{address}/\n\
         stream   http://{address}/live/master.m3u8  ({what})\n\
{dash}\
         tracker  ws://{address}/tracker\n\n\
         Open the page in two windows. Ctrl-C stops.\n"
    );
    // Whoever started this may not want to read it.
    let mut out = std::io::stdout();
    let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
}

fn routes(app: Arc<App>, assets: Router<Arc<App>>, verbose: bool) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::CONTENT_RANGE,
            header::CONTENT_LENGTH,
            header::ACCEPT_RANGES,
            header::HeaderName::from_static("repr-digest"),
        ])
        .max_age(Duration::from_secs(86_400));
    let routes = Router::new()
        .route("/live/{*path}", get(media::live))
        .route("/low-latency/{*path}", get(media::low_latency))
        .route("/vod/{*path}", get(media::vod))
        .route("/time", get(media::time))
        .route("/tracker", get(tracker::connect))
        .merge(control::routes())
        .merge(assets)
        .layer(cors)
        .with_state(app);
    if verbose {
        routes.layer(from_fn(log))
    } else {
        routes
    }
}

async fn log(request: Request, next: Next) -> Response {
    let line = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    eprintln!("{} {line}", response.status().as_u16());
    response
}
