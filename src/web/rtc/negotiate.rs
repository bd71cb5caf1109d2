//! Offer and answer, each complete with its candidates. A remote description has been looked at by the engine before it
//! gets here ([`crate::core::swarm::sdp`]).

use super::closed;
use crate::core::event::Event;
use crate::core::ids::ConnId;
use crate::web::inbox::{Input, Port};
use crate::web::listeners::Listener;
use crate::web::panic::is_down;
use crate::web::task::{soon, when};
use gloo_timers::callback::Timeout;
use js_sys::Promise;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{RtcIceGatheringState, RtcPeerConnection, RtcSdpType, RtcSessionDescriptionInit};

/// A description goes out with the candidates found by then, in milliseconds. Without ICE servers
/// gathering takes a few; a STUN server that does not answer would take tens of seconds.
pub const GATHER_MS: u32 = 1_000;

/// The event that tells of a description.
type Described = fn(ConnId, String) -> Event<'static>;

/// One side of one negotiation; given up on Drop.
pub(super) struct Negotiation {
    conn: ConnId,
    link: RtcPeerConnection,
    port: Port,
    /// What ends the wait for candidates.
    gathering: RefCell<Option<(Listener, Timeout)>>,
}

impl Negotiation {
    pub(super) fn new(conn: ConnId, link: &RtcPeerConnection, port: &Port) -> Rc<Self> {
        Rc::new(Self {
            conn,
            link: link.clone(),
            port: port.clone(),
            gathering: RefCell::default(),
        })
    }

    pub(super) fn offer(self: &Rc<Self>) {
        self.begin(|this| {
            this.describe(&this.link.create_offer(), |conn, sdp| Event::OfferCreated {
                conn,
                sdp,
            });
        });
    }

    pub(super) fn answer(self: &Rc<Self>, remote: String) {
        self.begin(move |this| {
            this.set_remote(RtcSdpType::Offer, &remote, |this| {
                this.describe(&this.link.create_answer(), |conn, sdp| {
                    Event::AnswerCreated { conn, sdp }
                });
            });
        });
    }

    pub(super) fn complete(self: &Rc<Self>, remote: String) {
        self.begin(move |this| this.set_remote(RtcSdpType::Answer, &remote, |_| {}));
    }

    fn begin(self: &Rc<Self>, step: impl FnOnce(&Rc<Self>) + 'static) {
        let this = Rc::downgrade(self);
        soon(move || {
            if let Some(this) = this.upgrade() {
                step(&this);
            }
        });
    }

    /// Takes the next step when a promise is fulfilled; a promise that fails ends the connection.
    fn when(self: &Rc<Self>, promise: &Promise, step: impl FnOnce(&Rc<Self>, JsValue) + 'static) {
        let this = Rc::downgrade(self);
        when(promise, move |result| {
            let Some(this) = this.upgrade() else {
                return;
            };
            match result {
                Ok(value) => step(&this, value),
                Err(_) => this.fail(),
            }
        });
    }

    fn fail(&self) {
        self.port.finish(closed(self.conn));
    }

    fn set_remote(
        self: &Rc<Self>,
        kind: RtcSdpType,
        sdp: &str,
        step: impl FnOnce(&Rc<Self>) + 'static,
    ) {
        let description = RtcSessionDescriptionInit::new(kind);
        description.set_sdp(sdp);
        let set = self.link.set_remote_description(&description);
        self.when(&set, |this, _| step(this));
    }

    fn describe(self: &Rc<Self>, description: &Promise, described: Described) {
        self.when(description, move |this, description| {
            let set = this.link.set_local_description(description.unchecked_ref());
            this.when(&set, move |this, _| this.gather(described));
        });
    }

    fn gather(self: &Rc<Self>, described: Described) {
        if self.has_gathered() {
            return self.report(described);
        }
        let (changed, late) = (Rc::downgrade(self), Rc::downgrade(self));
        let listener = Listener::new(&self.link, "icegatheringstatechange", move |_| {
            if let Some(this) = changed.upgrade()
                && this.has_gathered()
            {
                this.report(described);
            }
        });
        let timeout = Timeout::new(GATHER_MS, move || {
            if let Some(this) = late.upgrade()
                && !is_down()
            {
                this.report(described);
            }
        });
        self.gathering.replace(Some((listener, timeout)));
    }

    fn has_gathered(&self) -> bool {
        self.link.ice_gathering_state() == RtcIceGatheringState::Complete
    }

    /// Once: with what waited for it, all other reasons to come here go.
    fn report(&self, described: Described) {
        self.gathering.take();
        match self.link.local_description() {
            Some(description) => {
                let event = described(self.conn, description.sdp());
                self.port.post(Input::Event(event));
            }
            None => self.fail(),
        }
    }
}
