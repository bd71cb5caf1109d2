//! SHA-256 of JS-owned bytes: `crypto.subtle`, else this crate's own in short steps.
//!
//! `crypto.subtle` takes the bytes as they are when asked. Where it works is the browser's choice: Chromium 156 hashes at
//! once, on the thread that asks (a millisecond for a megabyte), and answers later. Pages in insecure contexts do not have
//! it; there the bytes are copied (also within JavaScript) when asked, and hashed in slices of [`SLICE`] with a task of the
//! event loop between them, so that no long task comes of it.

use crate::web::buffers::{BufferError, copy};
use crate::web::globals::scope;
use crate::web::inbox::{Input, Port};
use crate::web::task::{soon, when};
use crate::web::timers::next_task;
use js_sys::{Array, Promise, Reflect, Uint8Array};
use sha2::{Digest, Sha256};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
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
            Some(digests) => {
                let (parts, soft) = (parts.to_vec(), self.soft.clone());
                when(&digests, move |digests| match digests.ok().and_then(read) {
                    Some(hashes) => port.post(answer(hashes)),
                    // It rejects for unknown algorithms only; with a browser that does otherwise, what is being hashed must
                    // not wait for ever. Without memory for that, whoever waits has a time-out of its own.
                    None => drop(soft.hash(&parts, port, answer)),
                });
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

/// All digests in one promise.
fn begin(subtle: &SubtleCrypto, parts: &[Uint8Array]) -> Option<Promise> {
    let digests = Array::new();
    for bytes in parts {
        let digest = subtle.digest_with_str_and_js_u8_array("SHA-256", bytes);
        digests.push(digest.ok()?.as_ref());
    }
    Some(Promise::all(&digests))
}

fn read(digests: JsValue) -> Option<Vec<[u8; 32]>> {
    let digests: Array = digests.unchecked_into();
    let mut hashes = Vec::new();
    for digest in digests.iter() {
        let digest = Uint8Array::new(&digest);
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
    /// Of the parts that are done.
    hashes: Vec<[u8; 32]>,
    /// How far the next part has come.
    at: u32,
    hasher: Sha256,
    port: Port,
    answer: Answer,
}

/// One digest after the other, in the order asked.
#[derive(Default)]
struct Soft {
    jobs: RefCell<Vec<Job>>,
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
        self.jobs.borrow_mut().push(Job {
            parts,
            hashes: Vec::new(),
            at: 0,
            hasher: Sha256::new(),
            port,
            answer,
        });
        if !self.working.replace(true) {
            let this = self.clone();
            soon(move || this.work());
        }
        Ok(())
    }

    /// Hashes [`SLICE`], and the rest after the browser has had a turn.
    fn work(self: Rc<Self>) {
        for _ in 0..SLICE / SCRATCH {
            if self.jobs.borrow().is_empty() {
                return self.working.set(false);
            }
            let job = self.jobs.borrow_mut().remove(0);
            self.step(job);
        }
        next_task(move || self.work());
    }

    /// A job that nobody waits for any more is dropped.
    fn step(&self, mut job: Job) {
        if !job.port.is_open() {
        } else if job.step() {
            job.port.post((job.answer)(job.hashes));
        } else {
            self.jobs.borrow_mut().insert(0, job);
        }
    }
}

impl Job {
    /// Hashes [`SCRATCH`] at most; whether all is done.
    fn step(&mut self) -> bool {
        if let Some(part) = self.parts.get(self.hashes.len()) {
            let end = self.at.saturating_add(SCRATCH as u32);
            self.hasher.update(part.subarray(self.at, end).to_vec());
            self.at = end;
            if end >= part.length() {
                self.hashes.push(self.hasher.finalize_reset().into());
                self.at = 0;
            }
        }
        self.hashes.len() == self.parts.len()
    }
}
