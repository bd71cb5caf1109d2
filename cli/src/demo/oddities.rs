//! Answers with the right bytes in them, more or less, that a viewer has to know what to do with.

use crate::demo::body::{Outflow, Source};
use crate::demo::media::{problem, resource, unsatisfiable, wanted};
use crate::demo::origin::Resource;
use crate::demo::range::Wanted;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::io::{self, Write as _};
use std::ops::Range;

/// What is odd about an answer. Those about byte ranges leave requests for the whole as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Oddity {
    /// The connection breaks after half of the announced length.
    Cut,
    /// The same, of a body in chunks without an announced length.
    CutChunked,
    /// The resource ends at half its length, and says so.
    Short,
    /// The resource is longer than it was published.
    Long,
    /// Another byte range than the one asked for, and it says so.
    WrongRange,
    /// Another byte range, and it says it were the right one.
    FalseRange,
    /// The right byte range, which does not say where it lies.
    UnsaidRange,
    /// The right byte range as the only part of a multipart/byteranges.
    Multipart,
    /// The whole, whatever was asked for.
    IgnoreRange,
    /// 416 to every byte range.
    RefuseRange,
    /// 302 to the same path on another host name of this machine.
    Redirect,
    /// Compressed with gzip, byte ranges too, though nobody asks for that of a range.
    Gzip,
}

/// How far off a wrong byte range is.
const OFF: u64 = 1000;

/// How much longer a resource is.
const MORE: usize = 5000;

const BOUNDARY: &str = "swarmline-demo";

/// An odd answer.
pub(super) fn odd(
    oddity: Oddity,
    mut found: Resource,
    url: &str,
    headers: &HeaderMap,
    shape: impl FnOnce(Outflow) -> Outflow,
) -> Response {
    let mut headers = headers.clone();
    let asked = match wanted(&headers, found.len) {
        Wanted::Part(range) => Some(range),
        _ => None,
    };
    match (oddity, asked) {
        (Oddity::Short, _) => found.len /= 2,
        (Oddity::Long, _) => return longer(found, &headers, shape),
        (Oddity::Gzip, range) => return zipped(found, range, shape),
        (Oddity::Redirect, _) => {
            if let Some(response) = redirect(url, &headers) {
                return response;
            }
        }
        (Oddity::IgnoreRange, Some(_)) => drop(headers.remove(header::RANGE)),
        (Oddity::RefuseRange, Some(_)) => return unsatisfiable(found.len),
        (Oddity::Multipart, Some(range)) => return multipart(found, range, shape),
        (Oddity::UnsaidRange, Some(_)) => {
            let mut response = resource(found, &headers, shape);
            response.headers_mut().remove(header::CONTENT_RANGE);
            return response;
        }
        (Oddity::WrongRange, Some(range)) => ask(&mut headers, off(&range, found.len)),
        (Oddity::FalseRange, Some(range)) => {
            let said = format!("bytes {}-{}/{}", range.start, range.end - 1, found.len);
            ask(&mut headers, off(&range, found.len));
            let mut response = resource(found, &headers, shape);
            if let Ok(said) = said.parse() {
                response.headers_mut().insert(header::CONTENT_RANGE, said);
            }
            return response;
        }
        _ => {}
    }
    resource(found, &headers, shape)
}

/// A range of the same length somewhere else, if the resource has one.
fn off(range: &Range<u64>, len: u64) -> Range<u64> {
    let ahead = OFF.min(len - range.end);
    if ahead > 0 {
        range.start + ahead..range.end + ahead
    } else {
        let back = OFF.min(range.start);
        range.start - back..range.end - back
    }
}

fn ask(headers: &mut HeaderMap, range: Range<u64>) {
    if let Ok(value) = HeaderValue::try_from(format!("bytes={}-{}", range.start, range.end - 1)) {
        headers.insert(header::RANGE, value);
    }
}

/// To `localhost` from every other name, and from there nowhere.
fn redirect(url: &str, headers: &HeaderMap) -> Option<Response> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let (name, port) = host.rsplit_once(':')?;
    if name == "localhost" {
        return None;
    }
    let target = format!("http://localhost:{port}{url}");
    let headers = [
        (header::LOCATION, target.as_str()),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Some((StatusCode::FOUND, headers).into_response())
}

fn longer(
    mut found: Resource,
    headers: &HeaderMap,
    shape: impl FnOnce(Outflow) -> Outflow,
) -> Response {
    let Ok(bytes) = found.source.read(0, found.len) else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut bytes = bytes.to_vec();
    bytes.extend([0; MORE]);
    found.len = bytes.len() as u64;
    found.source = Source::Memory(bytes.into());
    resource(found, headers, shape)
}

fn zipped(
    mut found: Resource,
    range: Option<Range<u64>>,
    shape: impl FnOnce(Outflow) -> Outflow,
) -> Response {
    let wanted = range.clone().unwrap_or(0..found.len);
    let plain = found.source.read(wanted.start, wanted.end - wanted.start);
    let Ok(bytes) = plain.and_then(|bytes| gzip(&bytes)) else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let about = range.map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, found.len));
    let status = match about {
        Some(_) => StatusCode::PARTIAL_CONTENT,
        None => StatusCode::OK,
    };
    let mut response = of(status, bytes.into(), shape);
    let more = [
        (header::CONTENT_TYPE, Some(found.mime.to_owned())),
        (header::CONTENT_ENCODING, Some("gzip".to_owned())),
        (header::CONTENT_RANGE, about),
    ];
    for (name, value) in more {
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn multipart(
    mut found: Resource,
    range: Range<u64>,
    shape: impl FnOnce(Outflow) -> Outflow,
) -> Response {
    let Ok(bytes) = found.source.read(range.start, range.end - range.start) else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let (mime, first, last, len) = (found.mime, range.start, range.end - 1, found.len);
    let head = format!(
        "--{BOUNDARY}\r\nContent-Type: {mime}\r\nContent-Range: bytes {first}-{last}/{len}\r\n\r\n"
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    let body = [head.as_bytes(), &bytes, tail.as_bytes()].concat();
    let mut response = of(StatusCode::PARTIAL_CONTENT, body.into(), shape);
    let mime = format!("multipart/byteranges; boundary={BOUNDARY}");
    if let Ok(mime) = mime.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, mime);
    }
    response
}

/// Exactly these bytes.
fn of(status: StatusCode, bytes: Bytes, shape: impl FnOnce(Outflow) -> Outflow) -> Response {
    let len = bytes.len() as u64;
    let body = shape(Outflow::new(Source::Memory(bytes), 0..len));
    (
        status,
        [(header::CACHE_CONTROL, "no-store")],
        Body::new(body),
    )
        .into_response()
}
