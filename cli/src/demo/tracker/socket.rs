//! One tracker socket: messages in, messages out, and an end that is noticed.
//!
//! Invariant: however a socket ends, its peers leave their swarms.

use crate::demo::App;
use crate::demo::faults::Faults;
use crate::demo::tracker::Tracker;
use crate::demo::tracker::message::{MAX_MESSAGE, Request, failure, parse};
use crate::demo::tracker::swarms::{Mailbox, SocketId};
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval, timeout};

/// Messages that may wait for one socket.
const MAILBOX: usize = 64;

/// A quiet socket is pinged this often.
const PING: Duration = Duration::from_secs(20);

/// A socket from which nothing came for this long is dead.
const SILENCE: Duration = Duration::from_secs(60);

/// A socket that takes nothing for this long is dead.
const SEND: Duration = Duration::from_secs(10);

/// How long the last words may take.
const GOODBYE: Duration = Duration::from_millis(250);

/// `/tracker`
pub(in crate::demo) async fn connect(
    State(app): State<Arc<App>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if app.tracker.is_down() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(move |socket| async move { run(&app.tracker, socket).await })
}

/// Takes a socket's peers out of their swarms when it ends, however it does.
struct Presence<'a>(&'a Tracker, SocketId);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.0.swarms().closed(self.1);
    }
}

async fn run(tracker: &Tracker, mut socket: WebSocket) {
    let id = tracker.new_socket();
    let _presence = Presence(tracker, id);
    let (mailbox, mut inbox) = mpsc::channel(MAILBOX);
    let (mut faults, mut stop) = (tracker.faults.clone(), tracker.stop.clone());
    let mut ping = interval(PING);
    let mut heard = Instant::now();
    loop {
        let out = tokio::select! {
            received = socket.recv() => {
                heard = Instant::now();
                match received {
                    Some(Ok(Message::Text(text))) => receive(tracker, id, &mailbox, text.as_bytes()),
                    Some(Ok(Message::Binary(data))) => receive(tracker, id, &mailbox, &data),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    // Too large, not WebSocket, closed, or gone.
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                }
                continue;
            }
            Some(text) = inbox.recv() => Message::Text(text.into()),
            _ = ping.tick() => {
                if heard.elapsed() > SILENCE {
                    return;
                }
                Message::Ping(Default::default())
            }
            () = down(&mut faults) => break,
            () = stop.requested() => break,
        };
        if !send(&mut socket, out).await {
            return;
        }
    }
    let goodbye = CloseFrame {
        code: close_code::AWAY,
        reason: "the tracker is going away".into(),
    };
    // Whoever does not listen misses it.
    let _ = timeout(GOODBYE, socket.send(Message::Close(Some(goodbye)))).await;
}

/// Completes when the tracker is to be gone.
async fn down(faults: &mut watch::Receiver<Faults>) {
    let _ = faults.wait_for(|faults| faults.tracker_down).await;
}

async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(SEND, socket.send(message)).await, Ok(Ok(())))
}

fn receive(tracker: &Tracker, id: SocketId, mailbox: &Mailbox, message: &[u8]) {
    let result = match parse(message) {
        Ok(Request::Announce(announce)) => {
            let result = tracker.swarms().announce(id, mailbox, &announce);
            result.map_err(str::to_owned)
        }
        Ok(Request::Scrape(swarms)) => {
            let _ = mailbox.try_send(tracker.swarms().scrape(&swarms));
            Ok(())
        }
        Err(invalid) => Err(invalid.to_string()),
    };
    if let Err(reason) = result {
        let _ = mailbox.try_send(failure(&reason, message));
    }
}
