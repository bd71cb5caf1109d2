//! Connections: accept, serve, and let go of all of them in good time.
//!
//! Invariants: after the stop signal no connection is accepted, idle ones close at once, and none
//! outlives the grace period; little is buffered per connection, so that what the counters count as
//! sent really left.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// Most bytes that wait in one connection's own buffers.
const BUFFER: usize = 32 * 1024;

/// How long open connections get to end after the stop signal.
const GRACE: Duration = Duration::from_millis(500);

/// How long a client may take to send a request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Tells everything that runs to end, and waits until it has.
#[derive(Clone)]
pub(super) struct Stop {
    stopped: watch::Receiver<bool>,
    /// Dropped by whoever has ended.
    _running: mpsc::Sender<()>,
}

impl Stop {
    /// Completes when it is time to end.
    pub(super) async fn requested(&mut self) {
        // A sender that is gone is a process about to end.
        let _ = self.stopped.wait_for(|stopped| *stopped).await;
    }
}

/// The other side of [`Stop`].
pub(super) struct Stopper {
    stop: watch::Sender<bool>,
    running: mpsc::Receiver<()>,
}

/// A new pair.
pub(super) fn stopping() -> (Stopper, Stop) {
    let (stop, stopped) = watch::channel(false);
    let (sender, running) = mpsc::channel(1);
    let handle = Stop {
        stopped,
        _running: sender,
    };
    (Stopper { stop, running }, handle)
}

impl Stopper {
    /// Asks everything to end and waits for it, no longer than twice the grace period.
    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = timeout(2 * GRACE, self.running.recv()).await;
    }
}

/// Serves until told to stop.
pub(super) async fn serve(listener: TcpListener, routes: Router, mut stop: Stop) {
    let own = stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.requested() => return,
        };
        match accepted {
            Ok((stream, _)) => drop(tokio::spawn(connection(
                stream,
                routes.clone(),
                own.clone(),
            ))),
            // Out of file descriptors, most likely: others must end first.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(stream: TcpStream, routes: Router, mut stop: Stop) {
    // A failure costs some latency and nothing else.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // However it ended, it is the client's business.
        _ = connection.as_mut() => return,
        () = stop.requested() => connection.as_mut().graceful_shutdown(),
    }
    // An answer that takes longer is cut short, and with it goes what the answer holds on to.
    let _ = timeout(GRACE, connection).await;
}

/// Catches Ctrl-C and, where there is such a thing, SIGTERM, from now on; what it gives completes at
/// the first of them.
///
/// # Errors
/// The system does not let us.
pub(super) fn signals() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(windows)]
    {
        let mut interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(async move { drop(interrupt.recv().await) })
    }
}
