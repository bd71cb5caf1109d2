//! The page's side: the object it hands in, and the calls waiting to be made on it.
//!
//! Calls are made from a microtask of their own, in order, with no borrow of ours held and no
//! client method on the stack: the page may load, abort, dispose or free from inside any of them.

use crate::core::action::DeliveryReport;
use crate::core::error::LoadError;
use crate::core::ids::LoadId;
use crate::core::time::Duration;
use crate::web::globals::complain;
use crate::web::task::soon;
use js_sys::{ArrayBuffer, JsString};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::RequestInit;

#[wasm_bindgen(typescript_custom_section)]
const HOST_TYPES: &str = r#"
/** What the page does for a client. Every method may call back into the client. */
export interface Host {
  /** The load's bytes, a fresh copy to keep or detach; rate of true transfer in bit/s; typical time to first byte in ms. */
  deliver(load: number, data: ArrayBuffer, rateBps: number, firstByteMs: number): void;
  /** The load failed for good. code: cdn-status, cdn-network, cdn-request, timeout or hash-mismatch. */
  fail(load: number, code: string, status: number, message: string): void;
  /** Real counters of an urgent transfer. */
  progress(load: number, loaded: number, total: number, activeMs: number): void;
  /** News, as JSON with a "type". */
  notice(json: string): void;
  /** Builds the CDN request; headers and credentials are the page's. */
  prepare(url: string, init: RequestInit): Request | Promise<Request>;
  /** Is alive from now on: to be closed or aborted after a panic. */
  retain(closable: { close(): void } | AbortController): void;
  /** Is no longer. */
  release(closable: object): void;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// The page's object; see its TypeScript declaration.
    #[wasm_bindgen(typescript_type = "Host")]
    #[derive(Clone)]
    pub type Host;

    #[wasm_bindgen(method, catch)]
    fn deliver(
        this: &Host,
        load: u32,
        data: &ArrayBuffer,
        rate: f64,
        ms: f64,
    ) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn fail(this: &Host, load: u32, code: &str, status: u16, message: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn progress(this: &Host, load: u32, loaded: u32, total: u32, ms: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn notice(this: &Host, json: &JsString) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn retain(this: &Host, closable: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn release(this: &Host, closable: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn prepare(this: &Host, url: &str, init: &RequestInit) -> Result<JsValue, JsValue>;
}

/// A call to make.
pub enum Call {
    /// Bytes for a load.
    Deliver(LoadId, ArrayBuffer, DeliveryReport),
    /// A load's failure.
    Fail(LoadId, LoadError),
    /// Counters of a load: bytes there, bytes in all, time they have been flowing.
    Progress(LoadId, u32, u32, Duration),
    /// News, as JSON.
    Notice(JsString),
    /// An object to close after a panic.
    Retain(JsValue),
    /// No longer.
    Release(JsValue),
}

impl Call {
    fn make(self, host: &Host) -> Result<(), JsValue> {
        match self {
            Self::Deliver(load, data, report) => {
                host.deliver(load.0, &data, report.rate, millis(report.first_byte))
            }
            Self::Fail(load, error) => {
                host.fail(load.0, error.code(), error.status(), &error.to_string())
            }
            Self::Progress(load, loaded, total, active) => {
                host.progress(load.0, loaded, total, millis(active))
            }
            Self::Notice(json) => host.notice(&json),
            Self::Retain(closable) => host.retain(&closable),
            Self::Release(closable) => host.release(&closable),
        }
    }

    fn is_housekeeping(&self) -> bool {
        matches!(self, Self::Retain(_) | Self::Release(_))
    }
}

/// Calls to the page that wait for their microtask.
pub struct Outbox {
    host: Host,
    calls: RefCell<Vec<Call>>,
    scheduled: Cell<bool>,
    closed: Cell<bool>,
}

impl Outbox {
    /// An empty one for this page object.
    pub fn new(host: Host) -> Rc<Self> {
        Rc::new(Self {
            host,
            calls: RefCell::default(),
            scheduled: Cell::new(false),
            closed: Cell::new(false),
        })
    }

    /// The page's object, for calls that want an answer.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// From now on the page is told nothing more, but what to release.
    pub fn close(&self) {
        self.closed.set(true);
    }

    /// Makes this call soon.
    pub fn push(self: &Rc<Self>, call: Call) {
        self.calls.borrow_mut().push(call);
        if !self.scheduled.replace(true) {
            let outbox = self.clone();
            soon(move || outbox.flush());
        }
    }

    pub(crate) fn retain(self: &Rc<Self>, closable: &JsValue) {
        self.push(Call::Retain(closable.clone()));
    }

    pub(crate) fn release(self: &Rc<Self>, closable: &JsValue) {
        self.push(Call::Release(closable.clone()));
    }

    fn flush(&self) {
        self.scheduled.set(false);
        for call in self.calls.take() {
            if (!self.closed.get() || call.is_housekeeping())
                && let Err(thrown) = call.make(&self.host)
            {
                complain("swarmline: a host callback threw", &thrown);
            }
        }
    }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
