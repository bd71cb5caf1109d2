//! HTTP for the streams: what a CDN would do, and the faults that were asked for.

use crate::demo::App;
use crate::demo::body::Outflow;
use crate::demo::event::Stream;
use crate::demo::faults::Faults;
use crate::demo::mpd::without_list;
use crate::demo::oddities::{Oddity, odd};
use crate::demo::origin::{Format, Found, MASTER, Resource, looks_like_segment};
use crate::demo::playlist::{date_time, without_tags};
use crate::demo::range::{Wanted, parse};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body::Body as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

const NO_STORE: &str = "no-store";

const HLS: &str = "application/vnd.apple.mpegurl";
const DASH: &str = "application/dash+xml";

/// How long a request for the master playlist waits for a packager that has just been started.
const PATIENCE: Duration = Duration::from_secs(10);

/// `/live/…`
pub(super) async fn live(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    serve(&app, Stream::Live, &path, uri.path(), &headers).await
}

/// `/vod/…`
pub(super) async fn vod(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    serve(&app, Stream::Vod, &path, uri.path(), &headers).await
}

/// `/low-latency/…`
pub(super) async fn low_latency(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // Of a packager's folder there are whole segments only, and the built-in event is another one.
    let found = match app.folder {
        Some(_) => Ok(None),
        None => app.low_latency.find(&app.event, &path),
    };
    answer(&app, Stream::Live, found, uri.path(), &headers).await
}

/// `/time`: UTC, as ISO 8601 has it.
pub(super) async fn time() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain"),
        (header::CACHE_CONTROL, NO_STORE),
    ];
    (headers, date_time(SystemTime::now())).into_response()
}

async fn serve(app: &App, stream: Stream, path: &str, url: &str, headers: &HeaderMap) -> Response {
    let digest = app.faults.borrow().repr_digest;
    let found = find(app, stream, path, digest).await;
    answer(app, stream, found, url, headers).await
}

async fn answer(
    app: &App,
    stream: Stream,
    found: anyhow::Result<Option<Found>>,
    url: &str,
    headers: &HeaderMap,
) -> Response {
    let faults = app.faults.borrow().clone();
    match found {
        Ok(Some(Found::Manifest(format, text))) => {
            // What comes from a folder its sealer has signed.
            let built_in = app.folder.is_none() || stream == Stream::Vod;
            let signed = app.signed.as_ref().filter(|_| built_in);
            match signed.map(|signed| signed.manifest(format, url, &text)) {
                None => manifest(format, text, &faults),
                Some(Ok(signed)) => manifest(format, signed, &faults),
                Some(Err(error)) => {
                    eprintln!("{url}: {error}");
                    problem(StatusCode::INTERNAL_SERVER_ERROR)
                }
            }
        }
        Ok(Some(Found::Resource(found))) if found.segment => {
            segment(app, found, url, headers, &faults).await
        }
        Ok(Some(Found::Resource(found))) => resource(found, headers, |body| body),
        Ok(Some(Found::Elsewhere(path))) => elsewhere(stream, &path),
        Ok(None) => missing(app, url),
        Err(error) => {
            eprintln!("{url}: {error:#}");
            problem(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

async fn find(
    app: &App,
    stream: Stream,
    path: &str,
    digest: bool,
) -> anyhow::Result<Option<Found>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = app.find(stream, path, digest)?;
        if found.is_some() || path != MASTER || Instant::now() >= deadline {
            return Ok(found);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

fn elsewhere(stream: Stream, path: &str) -> Response {
    let root = match stream {
        Stream::Live => "live",
        Stream::Vod => "vod",
    };
    let target = path
        .split('/')
        .map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string());
    let target = format!("/{root}/{}", target.collect::<Vec<_>>().join("/"));
    let headers = [
        (header::LOCATION, target.as_str()),
        (header::CACHE_CONTROL, NO_STORE),
    ];
    (StatusCode::FOUND, headers).into_response()
}

fn manifest(format: Format, text: String, faults: &Faults) -> Response {
    let (mime, text) = match (format, faults.hide_hashes) {
        (Format::List, true) => return problem(StatusCode::NOT_FOUND),
        (Format::Hls, true) => (HLS, without_tags(&text)),
        (Format::Dash, true) => (DASH, without_list(&text)),
        (Format::Hls, false) => (HLS, text),
        (Format::Dash, false) => (DASH, text),
        (Format::List, false) => ("application/json", text),
    };
    let headers = [
        (header::CONTENT_TYPE, mime),
        (header::CACHE_CONTROL, NO_STORE),
    ];
    (headers, text).into_response()
}

async fn segment(
    app: &App,
    found: Resource,
    url: &str,
    headers: &HeaderMap,
    faults: &Faults,
) -> Response {
    app.counters.requested(url);
    if faults.latency_ms > 0 {
        sleep(Duration::from_millis(faults.latency_ms)).await;
    }
    let sha256 = found.sha256.filter(|_| faults.repr_digest);
    let mut response = if faults.fails() {
        problem(
            StatusCode::from_u16(faults.error_status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        )
    } else {
        let whole = !headers.contains_key(header::RANGE);
        let oddity = if whole && faults.breaks() {
            Some(Oddity::Cut)
        } else {
            faults.odd()
        };
        let shape = |body: Outflow| {
            let body = body.counted(app.counters.clone(), url.to_owned());
            let body = body.paced(faults.rate_bps);
            let body = match oddity {
                Some(Oddity::Cut) => body.cut(),
                Some(Oddity::CutChunked) => body.cut().chunked(),
                _ => body,
            };
            if faults.corrupts() {
                body.corrupted()
            } else {
                body
            }
        };
        match oddity {
            Some(oddity) => odd(oddity, found, url, headers, shape),
            None => resource(found, headers, shape),
        }
    };
    if response.status().is_success() {
        let digest = sha256.map(|sha256| format!("sha-256=:{}:", STANDARD.encode(sha256)));
        if let Some(value) = digest.and_then(|digest| digest.parse().ok()) {
            response.headers_mut().insert("repr-digest", value);
        }
    } else {
        app.counters.failed();
    }
    response
}

/// The resource or the part of it that was asked for.
pub(super) fn resource(
    found: Resource,
    headers: &HeaderMap,
    shape: impl FnOnce(Outflow) -> Outflow,
) -> Response {
    let there = found.there();
    let growing = there < found.len;
    let (status, range) = match wanted(headers, found.len) {
        Wanted::Whole => (StatusCode::OK, 0..found.len),
        // To the end, or beyond what is there: nobody can say yet what that is, so all of it is sent (RFC 9110 §14.2).
        Wanted::Part(range) if range.end > there => (StatusCode::OK, 0..found.len),
        Wanted::Nothing if growing => (StatusCode::OK, 0..found.len),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => return unsatisfiable(found.len),
    };
    let partial = status == StatusCode::PARTIAL_CONTENT;
    let total = if growing {
        "*".to_owned()
    } else {
        found.len.to_string()
    };
    let about = format!("bytes {}-{}/{total}", range.start, range.end - 1);
    let length = (range.end - range.start).to_string();
    let mut outflow = Outflow::new(found.source, range);
    if growing && !partial {
        outflow = outflow.growing(there, &found.gates);
    }
    let body = shape(outflow);
    let headers = [
        (header::CONTENT_TYPE, found.mime),
        (header::CACHE_CONTROL, found.cache),
        (header::ACCEPT_RANGES, "bytes"),
    ];
    let part = partial.then_some([(header::CONTENT_RANGE, about)]);
    let sized = (partial || !growing) && body.size_hint().exact().is_some();
    let length = sized.then_some([(header::CONTENT_LENGTH, length)]);
    let mut response = (status, headers, Body::new(body)).into_response();
    for (name, value) in [part, length].into_iter().flatten().flatten() {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

pub(super) fn wanted(headers: &HeaderMap, len: u64) -> Wanted {
    // Nothing here has a validator, so no If-Range can match.
    if headers.contains_key(header::IF_RANGE) {
        return Wanted::Whole;
    }
    let range = headers.get(header::RANGE).and_then(|r| r.to_str().ok());
    range.map_or(Wanted::Whole, |range| parse(range, len))
}

pub(super) fn unsatisfiable(len: u64) -> Response {
    let mut response = problem(StatusCode::RANGE_NOT_SATISFIABLE);
    if let Ok(value) = format!("bytes */{len}").parse() {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

fn missing(app: &App, url: &str) -> Response {
    if looks_like_segment(url) {
        app.counters.requested(url);
        app.counters.failed();
    }
    problem(StatusCode::NOT_FOUND)
}

/// An error that no cache keeps.
pub(super) fn problem(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or("error");
    (status, [(header::CACHE_CONTROL, NO_STORE)], reason).into_response()
}
