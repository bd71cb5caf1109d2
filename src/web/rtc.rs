//! One peer: an RTCPeerConnection with one data channel, ordered and reliable.
//!
//! The channel is negotiated (both sides know it is there, id 0), so it exists before any session
//! description does and nothing needs to be announced in band. Candidates are not trickled: a
//! tracker forwards one offer and one answer, so a description waits for its candidates, but not
//! longer than [`GATHER_MS`].
//!
//! Invariants: `ConnClosed` is reported at most once, and nothing after it; a message is measured
//! before it is copied; media is never copied into wasm memory, neither received nor sent.

mod drain;
mod message;
mod negotiate;

use crate::core::config::SEND_LOW_WATER;
use crate::core::event::Event;
use crate::core::ids::ConnId;
use crate::web::host::Outbox;
use crate::web::inbox::{Input, Life, Port};
use crate::web::listeners::Listener;
use crate::web::retained::Retained;
use drain::Drain;
use js_sys::Uint8Array;
use negotiate::Negotiation;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    RtcConfiguration, RtcDataChannel, RtcDataChannelInit, RtcDataChannelType, RtcPeerConnection,
    RtcPeerConnectionState,
};

pub use negotiate::GATHER_MS;

/// What a connection is made for.
pub enum Role {
    /// We ask.
    Offer,
    /// We answer this offer.
    Answer(String),
}

/// One connection; closed on Drop.
pub struct Conn {
    negotiation: RefCell<Option<Rc<Negotiation>>>,
    _listeners: [Listener; 6],
    drain: Rc<Drain>,
    channel: RtcDataChannel,
    link: Retained<RtcPeerConnection>,
    conn: ConnId,
    port: Port,
    _life: Rc<Life>,
}

impl Conn {
    /// Makes a connection and begins to negotiate. `None` where the browser makes none.
    pub fn open(
        conn: ConnId,
        role: Role,
        config: Option<&RtcConfiguration>,
        outbox: &Rc<Outbox>,
        port: Port,
        life: Rc<Life>,
    ) -> Option<Self> {
        let link = match config {
            Some(config) => RtcPeerConnection::new_with_configuration(config),
            None => RtcPeerConnection::new(),
        };
        let link = Retained::new(link.ok()?, outbox);
        let channel = data_channel(&link);
        let drain = Drain::new(conn, &channel, &port);
        let opened = Self {
            negotiation: RefCell::default(),
            _listeners: listen(conn, &link, &channel, &port, &drain),
            drain,
            channel,
            link,
            conn,
            port,
            _life: life,
        };
        opened.negotiate(role);
        Some(opened)
    }

    fn negotiate(&self, role: Role) {
        let negotiation = Negotiation::new(self.conn, &self.link, &self.port);
        match role {
            Role::Offer => negotiation.offer(),
            Role::Answer(sdp) => negotiation.answer(sdp),
        }
        self.negotiation.replace(Some(negotiation));
    }

    /// Completes what an offer began.
    pub fn accept_answer(&self, sdp: String) {
        let negotiation = Negotiation::new(self.conn, &self.link, &self.port);
        negotiation.complete(sdp);
        self.negotiation.replace(Some(negotiation));
    }

    /// Sends a control message.
    pub fn send(&self, bytes: &[u8]) {
        self.sent(bytes.len(), self.channel.send_with_u8_array(bytes));
    }

    /// Sends a message that is a header and media bytes, put together in JavaScript.
    pub fn send_chunk(&self, head: &[u8], media: &Uint8Array) {
        let len = head.len() + media.length() as usize;
        let message = message::join(head, media);
        let result = message.and_then(|message| self.channel.send_with_js_u8_array(&message));
        self.sent(len, result);
    }

    fn sent(&self, bytes: usize, result: Result<(), JsValue>) {
        self.drain.add(bytes);
        if result.is_err() {
            self.port.finish(closed(self.conn));
        }
    }

    /// To be called after every batch of sends: reports `SendDrained` if it is due.
    pub fn batch_ended(&self) {
        self.drain.report();
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        // Before the connection's own `close`, which discards what still waits to be sent.
        self.channel.close();
    }
}

fn data_channel(link: &RtcPeerConnection) -> RtcDataChannel {
    let init = RtcDataChannelInit::new();
    init.set_negotiated(true);
    init.set_id(0);
    init.set_ordered(true);
    let channel = link.create_data_channel_with_data_channel_dict("swarmline", &init);
    channel.set_binary_type(RtcDataChannelType::Arraybuffer);
    channel.set_buffered_amount_low_threshold(SEND_LOW_WATER as u32);
    channel
}

fn closed(conn: ConnId) -> Input {
    Input::Event(Event::ConnClosed { conn })
}

fn listen(
    conn: ConnId,
    link: &RtcPeerConnection,
    channel: &RtcDataChannel,
    port: &Port,
    drain: &Rc<Drain>,
) -> [Listener; 6] {
    let (opened, message, drain) = (port.clone(), port.clone(), drain.clone());
    let end = || {
        let port = port.clone();
        move |_| port.finish(closed(conn))
    };
    [
        Listener::new(channel, "open", move |_| {
            opened.post(Input::Event(Event::ConnOpened { conn }));
        }),
        Listener::new(channel, "message", move |event| {
            message.post(message::read(conn, event.unchecked_ref()));
        }),
        Listener::new(channel, "bufferedamountlow", move |_| drain.report()),
        Listener::new(channel, "close", end()),
        Listener::new(channel, "error", end()),
        watch(conn, link, port),
    ]
}

/// "disconnected" may heal; the engine's heartbeat decides about that.
fn watch(conn: ConnId, link: &RtcPeerConnection, port: &Port) -> Listener {
    let (port, watched) = (port.clone(), link.clone());
    Listener::new(link, "connectionstatechange", move |_| {
        if matches!(
            watched.connection_state(),
            RtcPeerConnectionState::Failed | RtcPeerConnectionState::Closed
        ) {
            port.finish(closed(conn));
        }
    })
}
