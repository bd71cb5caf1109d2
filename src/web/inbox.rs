//! What happened, waiting to be handled: inputs, and the ports that adapters report through.
//!
//! Invariants: inputs are handled in the order they came, never one inside another; an input whose
//! owner has gone is dropped; an owner's last input is its last.

use crate::core::event::Event;
use crate::core::ids::{ConnId, TrackerId};
use js_sys::Uint8Array;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

/// An [`Event`] that owns what the engine's borrows.
pub enum Input {
    /// An event without payload.
    Event(Event<'static>),
    /// An event that brings media bytes.
    Media(Event<'static>, Uint8Array),
    /// A tracker's message.
    Text(TrackerId, String),
    /// A peer's message.
    Message {
        /// On this connection.
        conn: ConnId,
        /// All of it, or a chunk's header.
        head: Vec<u8>,
        /// A chunk's bytes, still in JavaScript.
        payload: Option<Uint8Array>,
    },
}

/// Takes inputs in: the run loop.
pub trait Sink {
    /// Queues an input, and handles what is queued unless that is under way already.
    fn accept(&self, input: Input, owner: Option<Weak<Life>>);
}

/// Lives as long as the owner of a [`Port`]; its inputs die with it.
#[derive(Default)]
pub struct Life {
    ended: Cell<bool>,
}

/// How an adapter reports.
#[derive(Clone)]
pub struct Port {
    sink: Weak<dyn Sink>,
    life: Weak<Life>,
}

impl Port {
    /// A port, and the life of its owner-to-be.
    pub fn new(sink: Weak<dyn Sink>) -> (Self, Rc<Life>) {
        let life = Rc::new(Life::default());
        let port = Self {
            sink,
            life: Rc::downgrade(&life),
        };
        (port, life)
    }

    /// Whether anybody still wants a report.
    pub fn is_open(&self) -> bool {
        self.life.upgrade().is_some_and(|life| !life.ended.get())
    }

    /// Reports an input, unless the owner has gone or has reported its last.
    pub fn post(&self, input: Input) {
        if self.is_open() {
            self.send(input);
        }
    }

    /// Reports the owner's last input.
    pub fn finish(&self, input: Input) {
        if self
            .life
            .upgrade()
            .is_some_and(|life| !life.ended.replace(true))
        {
            self.send(input);
        }
    }

    fn send(&self, input: Input) {
        if let Some(sink) = self.sink.upgrade() {
            sink.accept(input, Some(self.life.clone()));
        }
    }
}

/// Inputs in the order they came.
#[derive(Default)]
pub struct Inbox(RefCell<VecDeque<(Input, Option<Weak<Life>>)>>);

impl Inbox {
    /// Appends an input of this owner, or of none.
    pub fn push(&self, input: Input, owner: Option<Weak<Life>>) {
        self.0.borrow_mut().push_back((input, owner));
    }

    /// The next input whose owner, if it has one, is still there.
    pub fn pop(&self) -> Option<Input> {
        loop {
            let (input, owner) = self.0.borrow_mut().pop_front()?;
            if owner.is_none_or(|life| life.strong_count() > 0) {
                return Some(input);
            }
        }
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.0.take();
    }
}
