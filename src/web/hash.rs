//! SHA-256 of JS-owned bytes: `crypto.subtle`, else this crate's own in short steps.
//!
//! `crypto.subtle` copies the bytes when asked and hashes off the main thread. Pages in insecure
//! contexts do not have it; there the bytes are copied (also within JavaScript) when asked, and
//! hashed in slices of [`SLICE`] with a task of the event loop between them, so that no long task
//! comes of it. Either way the digest is of the bytes as they were when asked.

use crate::web::buffers::{BufferError, copy};
use crate::web::globals::scope;
use crate::web::inbox::{Input, Port};
use crate::web::task::detach;
use crate::web::timers::next_task;
use js_sys::{Promise, Reflect, Uint8Array};
use sha2::{Digest, Sha256};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::SubtleCrypto;

/// Bytes hashed at one go where `crypto.subtle` is missing: about a millisecond's worth.
pub const SLICE: usize = 256 * 1024;

/// Media bytes in wasm memory at any one time, for that.
const SCRATCH: usize = 16 * 1024;

/// Makes the input that tells digests.
pub type Answer = Box<dyn FnOnce(Vec<[u8; 32]>) -> Input>;

/// Hashes for one client.
pub struct Hasher {
    subtle: Option<SubtleCrypto>,
    soft: Rc<Soft>,
}

impl Hasher {
    /// With the best this scope has.
    pub fn new() -> Self {
        Self {
            subtle: subtle(),
            soft: Rc::default(),
        }
    }

    /// Hashes some parts as they are now, each for itself; one answer goes to `port` later.
    ///
    /// # Errors
    /// [`BufferError::OutOfMemory`], only where `crypto.subtle` is missing.
    pub fn hash(
        &self,
        parts: &[Uint8Array],
        port: Port,
        answer: Answer,
    ) -> Result<(), BufferError> {
        match self.subtle.as_ref().and_then(|subtle| begin(subtle, parts)) {
            Some(promises) => {
                detach(finish(
                    promises,
                    parts.to_vec(),
                    self.soft.clone(),
                    port,
                    answer,
                ));
                Ok(())
            }
            None => self.soft.hash(parts, port, answer),
        }
    }

    /// Forgets what is still to be hashed.
    pub fn clear(&self) {
        self.soft.jobs.take();
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

fn subtle() -> Option<SubtleCrypto> {
    let crypto = scope().crypto()?;
    let subtle = Reflect::get(&crypto, &JsValue::from_str("subtle")).ok()?;
    subtle.is_object().then(|| subtle.unchecked_into())
}

fn begin(subtle: &SubtleCrypto, parts: &[Uint8Array]) -> Option<Vec<Promise>> {
    let digest = |bytes| subtle.digest_with_str_and_js_u8_array("SHA-256", bytes);
    parts.iter().map(|bytes| digest(bytes).ok()).collect()
}

async fn finish(
    promises: Vec<Promise>,
    parts: Vec<Uint8Array>,
    soft: Rc<Soft>,
    port: Port,
    answer: Answer,
) {
    if let Some(hashes) = digests(promises).await {
        return port.post(answer(hashes));
    }
    // It rejects for unknown algorithms only; with a browser that does otherwise, what is being hashed must not wait for ever.
    // Without memory for that, whoever waits has a time-out of its own.
    let _ = soft.hash(&parts, port, answer);
}

async fn digests(promises: Vec<Promise>) -> Option<Vec<[u8; 32]>> {
    let digests: Vec<JsFuture> = promises.into_iter().map(JsFuture::from).collect();
    let mut hashes = Vec::with_capacity(digests.len());
    for digest in digests {
        let digest = Uint8Array::new(&digest.await.ok()?);
        let mut hash = [0; 32];
        if digest.length() != 32 {
            return None;
        }
        digest.copy_to(&mut hash);
        hashes.push(hash);
    }
    Some(hashes)
}

struct Job {
    parts: Vec<Uint8Array>,
    port: Port,
    answer: Answer,
}

/// One digest after the other, in the order asked.
#[derive(Default)]
struct Soft {
    jobs: RefCell<VecDeque<Job>>,
    working: Cell<bool>,
}

impl Soft {
    fn hash(
        self: &Rc<Self>,
        parts: &[Uint8Array],
        port: Port,
        answer: Answer,
    ) -> Result<(), BufferError> {
        let parts = parts.iter().map(copy).collect::<Result<_, _>>()?;
        self.jobs.borrow_mut().push_back(Job {
            parts,
            port,
            answer,
        });
        if !self.working.replace(true) {
            detach(self.clone().work());
        }
        Ok(())
    }

    async fn work(self: Rc<Self>) {
        let mut pace = Pace(SLICE);
        while let Some(job) = self.next() {
            if let Some(hashes) = job.digests(&mut pace).await {
                job.port.post((job.answer)(hashes));
            }
        }
        self.working.set(false);
    }

    fn next(&self) -> Option<Job> {
        self.jobs.borrow_mut().pop_front()
    }
}

impl Job {
    /// `None` when nobody wants to know any more.
    async fn digests(&self, pace: &mut Pace) -> Option<Vec<[u8; 32]>> {
        let mut hashes = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            hashes.push(self.digest(part, pace).await?);
        }
        Some(hashes)
    }

    async fn digest(&self, bytes: &Uint8Array, pace: &mut Pace) -> Option<[u8; 32]> {
        let mut hasher = Sha256::new();
        let mut scratch = vec![0; SCRATCH];
        let len = bytes.length();
        for at in (0..len).step_by(SCRATCH) {
            let view = bytes.subarray(at, at.saturating_add(SCRATCH as u32));
            let part = scratch.get_mut(..view.length() as usize)?;
            view.copy_to(part);
            hasher.update(&*part);
            pace.step(SCRATCH).await;
            if !self.port.is_open() {
                return None;
            }
        }
        Some(hasher.finalize().into())
    }
}

/// Bytes that may be hashed before the browser gets a turn.
struct Pace(usize);

impl Pace {
    async fn step(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes);
        if self.0 == 0 {
            next_task().await;
            self.0 = SLICE;
        }
    }
}
