//! Offer and answer, each complete with its candidates. A remote description has been looked at by the engine before it
//! gets here ([`crate::core::swarm::sdp`]).

use super::closed;
use crate::core::event::Event;
use crate::core::ids::ConnId;
use crate::web::inbox::{Input, Port};
use crate::web::timers::once;
use futures::future::select;
use gloo_timers::future::TimeoutFuture;
use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RtcIceGatheringState, RtcPeerConnection, RtcSdpType, RtcSessionDescriptionInit};

/// A description goes out with the candidates found by then, in milliseconds. Without ICE servers
/// gathering takes a few; a STUN server that does not answer would take tens of seconds.
pub const GATHER_MS: u32 = 1_000;

/// Why there is no description. Nobody asks for more than that.
struct Failed;

impl From<JsValue> for Failed {
    fn from(_: JsValue) -> Self {
        Self
    }
}

/// One side of one negotiation.
pub(super) struct Negotiation {
    conn: ConnId,
    link: RtcPeerConnection,
    port: Port,
}

impl Negotiation {
    pub(super) fn new(conn: ConnId, link: &RtcPeerConnection, port: &Port) -> Self {
        Self {
            conn,
            link: link.clone(),
            port: port.clone(),
        }
    }

    pub(super) async fn offer(self) {
        let offer = self.describe(self.link.create_offer()).await;
        self.report(offer.map(|sdp| Event::OfferCreated {
            conn: self.conn,
            sdp,
        }));
    }

    pub(super) async fn answer(self, remote: String) {
        let answer = self.try_answer(&remote).await;
        self.report(answer.map(|sdp| Event::AnswerCreated {
            conn: self.conn,
            sdp,
        }));
    }

    pub(super) async fn complete(self, remote: String) {
        if self.set_remote(RtcSdpType::Answer, &remote).await.is_err() {
            self.port.finish(closed(self.conn));
        }
    }

    async fn try_answer(&self, remote: &str) -> Result<String, Failed> {
        self.set_remote(RtcSdpType::Offer, remote).await?;
        self.describe(self.link.create_answer()).await
    }

    fn report(&self, description: Result<Event<'static>, Failed>) {
        match description {
            Ok(event) => self.port.post(Input::Event(event)),
            Err(Failed) => self.port.finish(closed(self.conn)),
        }
    }

    async fn set_remote(&self, kind: RtcSdpType, sdp: &str) -> Result<(), Failed> {
        let description = RtcSessionDescriptionInit::new(kind);
        description.set_sdp(sdp);
        JsFuture::from(self.link.set_remote_description(&description)).await?;
        Ok(())
    }

    async fn describe(&self, description: Promise) -> Result<String, Failed> {
        let description = JsFuture::from(description).await?;
        let description: &RtcSessionDescriptionInit = description.unchecked_ref();
        JsFuture::from(self.link.set_local_description(description)).await?;
        gathered(&self.link).await;
        Ok(self.link.local_description().ok_or(Failed)?.sdp())
    }
}

async fn gathered(link: &RtcPeerConnection) {
    let watched = link.clone();
    let complete = move || watched.ice_gathering_state() == RtcIceGatheringState::Complete;
    if !complete() {
        let (_listener, done) = once(link, "icegatheringstatechange", complete);
        select(done, TimeoutFuture::new(GATHER_MS)).await;
    }
}
