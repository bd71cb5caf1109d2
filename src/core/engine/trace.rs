//! A running hash over everything that goes in and comes out.

use crate::core::action::Action;
use crate::core::event::Event;
use crate::core::time::Time;
use std::hash::{Hash, Hasher};

/// Whether it is kept. The wasm that ships is compared with no other: code to hash every event and action would be a
/// part of what each page downloads, and a cost of each message.
const KEPT: bool = cfg!(any(not(target_arch = "wasm32"), feature = "selftest"));

/// FNV-1a over 64-bit words; sizes are widened, so that 32- and 64-bit targets agree.
#[derive(Clone, Debug)]
pub(super) struct Trace(u64);

impl Default for Trace {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Trace {
    pub(super) fn event(&mut self, now: Time, event: &Event<'_>) {
        if KEPT {
            now.hash(self);
            event.hash(self);
        }
    }

    pub(super) fn actions(&mut self, actions: &[Action]) {
        if KEPT {
            actions.hash(self);
        }
    }

    pub(super) fn value(&self) -> u64 {
        self.0
    }
}

impl Hasher for Trace {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let word = rest.iter().rev();
            self.write_u64(word.fold(0, |word, byte| (word << 8) | u64::from(*byte)));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }

    fn write_u16(&mut self, n: u16) {
        self.write_u64(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(0x100_0000_01b3);
        self.0 ^= self.0 >> 29;
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as i64 as u64);
    }
}
