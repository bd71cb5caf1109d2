//! CDN requests: `fetch`, streamed, ranged, aborted on Drop.
//!
//! The page builds each request ([`Host`]'s `prepare`: headers, credentials, tokens are its own);
//! the range, the abort signal and the cache mode are offered to it in the `init` it gets. Time-outs
//! are the engine's. A CDN that ignores ranges answers 200, which starts at offset 0; a partial answer that does not begin
//! with what was asked for, or is in several parts, is a failure.

use crate::core::error::FetchError;
use crate::core::event::Event;
use crate::core::ids::FetchId;
use crate::web::content_range;
use crate::web::globals::fetch;
use crate::web::host::{Host, Outbox};
use crate::web::inbox::{Input, Life, Port};
use crate::web::retained::Retained;
use crate::web::task::{soon, when};
use js_sys::{Promise, Uint8Array};
use std::rc::Rc;
use std::sync::Arc;
use wasm_bindgen::prelude::*;
use web_sys::{
    AbortController, AbortSignal, Headers, ReadableStreamDefaultReader, ReadableStreamReadResult,
    RequestCache, RequestInit, Response, ResponseType,
};

/// What to request.
pub struct Order {
    /// The request's number.
    pub fetch: FetchId,
    /// Absolute URL.
    pub url: Arc<str>,
    /// First and last byte, inclusive.
    pub range: Option<(u64, u64)>,
    /// Go past the HTTP cache.
    pub bypass_cache: bool,
}

/// A request under way; aborted on Drop.
pub struct Fetch {
    _transfer: Rc<Transfer>,
    controller: Retained<AbortController>,
    _life: Rc<Life>,
}

impl Fetch {
    /// Starts a request; all that becomes of it is reported to `port`. `None` where requests cannot
    /// be aborted, for then none is made.
    pub fn start(order: Order, outbox: &Rc<Outbox>, port: Port, life: Rc<Life>) -> Option<Self> {
        let controller = Retained::new(AbortController::new().ok()?, outbox);
        let transfer = Rc::new(Transfer {
            host: outbox.host().clone(),
            signal: controller.signal(),
            port,
            order,
        });
        let begun = Rc::downgrade(&transfer);
        soon(move || {
            if let Some(transfer) = begun.upgrade() {
                transfer.go_on(transfer.prepare());
            }
        });
        Some(Self {
            _transfer: transfer,
            controller,
            _life: life,
        })
    }

    /// The body has ended: there is nothing left to abort.
    pub fn settle(&self) {
        self.controller.settle();
    }
}

struct Transfer {
    host: Host,
    signal: AbortSignal,
    port: Port,
    order: Order,
}

impl Transfer {
    /// Takes the next step when a promise is fulfilled, unless the request has been given up by then.
    fn when(
        self: &Rc<Self>,
        promise: &Promise,
        otherwise: FetchError,
        step: impl FnOnce(&Rc<Self>, JsValue) -> Result<(), FetchError> + 'static,
    ) {
        let this = Rc::downgrade(self);
        when(promise, move |result| {
            if let Some(this) = this.upgrade() {
                let result = result.map_err(|_| otherwise);
                this.go_on(result.and_then(|value| step(&this, value)));
            }
        });
    }

    /// A step that failed was the last one.
    fn go_on(&self, step: Result<(), FetchError>) {
        if let Err(error) = step {
            let fetch = self.order.fetch;
            let failed = Event::FetchFailed { fetch, error };
            self.port.finish(Input::Event(failed));
        }
    }

    fn prepare(self: &Rc<Self>) -> Result<(), FetchError> {
        let init = self.init().map_err(|_| FetchError::Request)?;
        let prepared = self.host.prepare(&self.order.url, &init);
        let prepared = Promise::resolve(&prepared.map_err(|_| FetchError::Request)?);
        self.when(&prepared, FetchError::Request, |this, request| {
            let response = fetch(&request).map_err(|_| FetchError::Request)?;
            this.when(&response, FetchError::Network, |this, response| {
                this.responded(&response.unchecked_into())
            });
            Ok(())
        });
        Ok(())
    }

    fn responded(self: &Rc<Self>, response: &Response) -> Result<(), FetchError> {
        self.post_started(response)?;
        match response.body() {
            Some(body) => {
                let reader = ReadableStreamDefaultReader::new(&body);
                self.read(reader.map_err(|_| FetchError::Network)?);
            }
            None => self.end(),
        }
        Ok(())
    }

    fn read(self: &Rc<Self>, reader: ReadableStreamDefaultReader) {
        if !self.port.is_open() {
            return;
        }
        let read = reader.read();
        self.when(&read, FetchError::Network, move |this, read| {
            let read: ReadableStreamReadResult = read.unchecked_into();
            if read.get_done() == Some(true) {
                this.end();
                return Ok(());
            }
            let bytes = read.get_value().dyn_into();
            this.post_bytes(bytes.map_err(|_| FetchError::Network)?);
            this.read(reader);
            Ok(())
        });
    }

    fn end(&self) {
        let fetch = self.order.fetch;
        self.port.finish(Input::Event(Event::FetchEnded { fetch }));
    }

    fn init(&self) -> Result<RequestInit, JsValue> {
        let init = RequestInit::new();
        let headers = Headers::new()?;
        if let Some((first, last)) = self.order.range {
            headers.set("Range", &format!("bytes={first}-{last}"))?;
        }
        init.set_headers(&headers);
        init.set_signal(Some(&self.signal));
        if self.order.bypass_cache {
            init.set_cache(RequestCache::Reload);
        }
        Ok(init)
    }

    fn post_started(&self, response: &Response) -> Result<(), FetchError> {
        let (offset, length) = match response.status() {
            200 => (0, content_length(response)),
            206 => (self.part(response)?, None),
            0 => return Err(FetchError::Network), // opaque: its body cannot be read
            status => return Err(FetchError::Status(status)),
        };
        let fetch = self.order.fetch;
        self.port.post(Input::Event(Event::FetchStarted {
            fetch,
            length,
            offset,
        }));
        Ok(())
    }

    /// Where a partial body begins. A CDN that does not expose `Content-Range` to other origins is
    /// taken to have sent what was asked: the hash will tell.
    fn part(&self, response: &Response) -> Result<u64, FetchError> {
        let asked = self.order.range.map_or(0, |(first, _)| first);
        let is = |name, start| header(response, name).is_some_and(|value| value.starts_with(start));
        if is("Content-Type", "multipart/") {
            return Err(FetchError::Range);
        }
        let Some(header) = header(response, "Content-Range") else {
            return Ok(asked);
        };
        let range = content_range::parse(&header);
        let (first, _) = range
            .filter(|(first, last)| (*first..=*last).contains(&asked))
            .ok_or(FetchError::Range)?;
        Ok(first)
    }

    fn post_bytes(&self, bytes: Uint8Array) {
        let len = bytes.length() as usize;
        if len > 0 {
            let event = Event::FetchBytes {
                fetch: self.order.fetch,
                len,
            };
            self.port.post(Input::Media(event, bytes));
        }
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).ok().flatten()
}

/// The body's length, unless it may have been compressed on the way: then the header counts other bytes. Of another origin
/// `Content-Length` can be read, and `Content-Encoding` can not (Fetch, CORS-safelisted response-header names).
fn content_length(response: &Response) -> Option<u64> {
    let plain = match header(response, "Content-Encoding") {
        Some(coding) => coding == "identity",
        None => response.type_() == ResponseType::Basic,
    };
    let length = header(response, "Content-Length").filter(|_| plain)?;
    length.parse().ok()
}
