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
use crate::web::task::Task;
use js_sys::{Promise, Uint8Array};
use std::rc::Rc;
use std::sync::Arc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
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
    _task: Task,
    controller: Retained<AbortController>,
    _life: Rc<Life>,
}

impl Fetch {
    /// Starts a request; all that becomes of it is reported to `port`. `None` where requests cannot
    /// be aborted, for then none is made.
    pub fn start(order: Order, outbox: &Rc<Outbox>, port: Port, life: Rc<Life>) -> Option<Self> {
        let controller = Retained::new(AbortController::new().ok()?, outbox);
        let transfer = Transfer {
            host: outbox.host().clone(),
            signal: controller.signal(),
            port,
            order,
        };
        let task = Task::spawn(transfer.run());
        Some(Self {
            _task: task,
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
    async fn run(self) {
        let fetch = self.order.fetch;
        self.port.finish(Input::Event(match self.transfer().await {
            Ok(()) => Event::FetchEnded { fetch },
            Err(error) => Event::FetchFailed { fetch, error },
        }));
    }

    async fn transfer(&self) -> Result<(), FetchError> {
        let response = self.respond().await?;
        self.post_started(&response)?;
        let Some(body) = response.body() else {
            return Ok(());
        };
        let reader = ReadableStreamDefaultReader::new(&body).map_err(|_| FetchError::Network)?;
        while let Some(bytes) = read(&reader).await? {
            self.post_bytes(bytes);
        }
        Ok(())
    }

    async fn respond(&self) -> Result<Response, FetchError> {
        let init = self.init().map_err(|_| FetchError::Request)?;
        let prepared = self.host.prepare(&self.order.url, &init);
        let prepared = Promise::resolve(&prepared.map_err(|_| FetchError::Request)?);
        let request = JsFuture::from(prepared)
            .await
            .map_err(|_| FetchError::Request)?;
        let response = fetch(&request).map_err(|_| FetchError::Request)?;
        let response = JsFuture::from(response)
            .await
            .map_err(|_| FetchError::Network)?;
        Ok(response.unchecked_into())
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

async fn read(reader: &ReadableStreamDefaultReader) -> Result<Option<Uint8Array>, FetchError> {
    let read = JsFuture::from(reader.read()).await;
    let read: ReadableStreamReadResult = read.map_err(|_| FetchError::Network)?.unchecked_into();
    if read.get_done() == Some(true) {
        return Ok(None);
    }
    read.get_value()
        .dyn_into()
        .map(Some)
        .map_err(|_| FetchError::Network)
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
