//! A tracker's WebSocket: text in, text out.

use crate::core::event::Event;
use crate::core::ids::TrackerId;
use crate::web::host::Outbox;
use crate::web::inbox::{Input, Life, Port};
use crate::web::listeners::Listener;
use crate::web::retained::Retained;
use js_sys::JsString;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{MessageEvent, WebSocket};

/// A longer message closes the socket, in UTF-16 units. Checked before anything is copied.
pub const MAX_TEXT: u32 = 256 * 1024;

/// One socket, closed on Drop. A socket that could not be made has reported its end already.
pub struct Socket {
    open: Option<Open>,
    tracker: TrackerId,
    port: Port,
    _life: Rc<Life>,
}

struct Open {
    _listeners: [Listener; 3],
    socket: Retained<WebSocket>,
}

impl Socket {
    /// Begins to connect; all that becomes of it is reported to `port`.
    pub fn connect(
        tracker: TrackerId,
        url: &str,
        outbox: &Rc<Outbox>,
        port: Port,
        life: Rc<Life>,
    ) -> Self {
        let open = WebSocket::new(url).ok().map(|socket| Open {
            _listeners: listen(&socket, tracker, &port),
            socket: Retained::new(socket, outbox),
        });
        let socket = Self {
            open,
            tracker,
            port,
            _life: life,
        };
        if socket.open.is_none() {
            socket.end();
        }
        socket
    }

    /// Sends text; a socket that cannot is at its end.
    pub fn send(&self, text: &str) {
        let sent = self
            .open
            .as_ref()
            .is_some_and(|open| open.socket.send_with_str(text).is_ok());
        if !sent {
            self.end();
        }
    }

    fn end(&self) {
        self.port.finish(closed(self.tracker));
    }
}

fn closed(tracker: TrackerId) -> Input {
    Input::Event(Event::TrackerClosed { tracker })
}

fn listen(socket: &WebSocket, tracker: TrackerId, port: &Port) -> [Listener; 3] {
    let (opened, message, close) = (port.clone(), port.clone(), port.clone());
    [
        Listener::new(socket, "open", move |_| {
            opened.post(Input::Event(Event::TrackerOpened { tracker }));
        }),
        Listener::new(socket, "message", move |event| {
            match text(event.unchecked_ref()) {
                Some(text) => message.post(Input::Text(tracker, text)),
                None => message.finish(closed(tracker)),
            }
        }),
        // An "error" is always followed by this one.
        Listener::new(socket, "close", move |_| close.finish(closed(tracker))),
    ]
}

fn text(event: &MessageEvent) -> Option<String> {
    let text: JsString = event.data().dyn_into().ok()?;
    (text.length() <= MAX_TEXT).then(|| text.into())
}
