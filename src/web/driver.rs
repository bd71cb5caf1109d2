//! The run loop of one client: events into the engine, its actions out, one timer between.
//!
//! An input is handled whole, with all its actions, before the next one; inputs that come up
//! meanwhile wait in the inbox. A payload is held no longer than its event is handled. When there is
//! nothing to wait for, no timer is armed and nothing runs.
//!
//! [`Driver::dispose`] says goodbye to peers and trackers, then closes, aborts and frees everything;
//! asked from inside the loop, it happens when the current event has been handled.

use crate::core::action::Action;
use crate::core::config::Config;
use crate::core::engine::{self, Engine, Stats};
use crate::core::error::ConfigError;
use crate::core::event::Event;
use crate::core::ids::PeerId;
use crate::core::time::{Duration, Time};
use crate::web::buffers::copy;
use crate::web::clock::Clock;
use crate::web::effects::Effects;
use crate::web::host::{Host, Outbox};
use crate::web::inbox::{Inbox, Input, Life, Sink};
use crate::web::panic::{go_down, is_down};
use crate::web::timers::Alarm;
use js_sys::Uint8Array;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use web_sys::RtcConfiguration;

/// Handling an input takes milliseconds. After so long the one before was cut off by a trap that no panic hook has
/// told of, as when memory has run out, and nothing would ever be handled again.
const LONGEST: Duration = Duration::from_secs(1);

/// What makes this visit different from every other.
pub struct Identity {
    /// Who we are at the trackers.
    pub peer: PeerId,
    /// For everything random in the engine.
    pub seed: u64,
}

/// A running engine in a browser. Disposed on Drop.
pub struct Driver(Rc<Run>);

impl Driver {
    /// Starts one.
    ///
    /// # Errors
    /// A field of the configuration that is out of range.
    pub fn new(
        config: Config,
        swarm_key: &str,
        identity: Identity,
        rtc: Option<RtcConfiguration>,
        host: Host,
    ) -> Result<Self, ConfigError> {
        let clock = Clock::new();
        let info_hash = engine::info_hash(swarm_key);
        let Identity { peer, seed } = identity;
        let engine = Engine::new(config.clone(), info_hash, peer, seed, clock.now())?;
        let outbox = Outbox::new(host);
        let run = Rc::new_cyclic(|this: &Weak<Run>| Run {
            engine: RefCell::new(engine),
            effects: Effects::new(&config, rtc, outbox.clone(), this.clone()),
            outbox,
            inbox: Inbox::default(),
            clock,
            alarm: Rc::default(),
            busy: Cell::new(None),
            disposed: Cell::new(false),
            this: this.clone(),
        });
        run.wake();
        Ok(Self(run))
    }

    /// Handles an event without payload.
    pub fn post(&self, event: Event<'static>) {
        self.0.accept(Input::Event(event), None);
    }

    /// Handles an event that brings bytes. They are not looked at again after this call.
    pub fn post_media(&self, event: Event<'static>, bytes: Uint8Array) {
        // Waiting for its turn, the caller might change or detach them.
        let bytes = if self.0.busy.get().is_some() {
            copy(&bytes)
        } else {
            Ok(bytes)
        };
        if let Ok(bytes) = bytes {
            self.0.accept(Input::Media(event, bytes), None);
        }
    }

    /// Counters so far, also after the end.
    pub fn stats(&self) -> Stats {
        self.0.engine.borrow().stats()
    }

    /// Ends it. Further calls do nothing.
    pub fn dispose(&self) {
        if !is_down() {
            self.0.dispose();
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if is_down() {
            // Borrows may be taken for good; destructors would trap on them.
            std::mem::forget(self.0.clone());
        }
        self.dispose();
    }
}

struct Run {
    engine: RefCell<Engine>,
    effects: Effects,
    outbox: Rc<Outbox>,
    inbox: Inbox,
    clock: Clock,
    alarm: Rc<Alarm>,
    /// Since when an input is being handled.
    busy: Cell<Option<Time>>,
    disposed: Cell<bool>,
    this: Weak<Run>,
}

impl Sink for Run {
    fn accept(&self, input: Input, owner: Option<Weak<Life>>) {
        if self.disposed.get() || is_down() {
            return;
        }
        let now = self.clock.now();
        match self.busy.get() {
            Some(since) if now > since + LONGEST => go_down("an event was never finished"),
            Some(_) => self.inbox.push(input, owner),
            None => {
                self.inbox.push(input, owner);
                self.busy.set(Some(now));
                self.drain();
                self.busy.set(None);
                self.end_or_sleep();
            }
        }
    }
}

impl Run {
    fn wake(&self) {
        self.accept(Input::Event(Event::Woke), None);
    }

    fn drain(&self) {
        let mut actions = Vec::new();
        while !self.stopping()
            && let Some(input) = self.inbox.pop()
        {
            let payload = self.handle(input, &mut actions);
            for action in actions.drain(..) {
                self.effects.carry_out(action, payload.as_ref());
            }
            self.effects.batch_ended();
        }
    }

    /// Lets the engine decide; gives the payload its actions may write from.
    fn handle(&self, input: Input, actions: &mut Vec<Action>) -> Option<Uint8Array> {
        let now = self.clock.now();
        let mut tell = |event: Event<'_>| {
            self.effects.release_ended(&event);
            self.engine.borrow_mut().handle(now, event, actions);
        };
        match input {
            Input::Event(event) => {
                tell(event);
                None
            }
            Input::Media(event, bytes) => {
                tell(event);
                Some(bytes)
            }
            Input::Text(tracker, text) => {
                tell(Event::TrackerMessage {
                    tracker,
                    text: &text,
                });
                None
            }
            Input::Message {
                conn,
                head,
                payload,
            } => {
                let len = payload.as_ref().map_or(0, Uint8Array::length) as usize;
                tell(Event::PeerMessage {
                    conn,
                    head: &head,
                    payload: len,
                });
                payload
            }
        }
    }

    fn stopping(&self) -> bool {
        self.disposed.get() || self.effects.exhausted()
    }

    fn end_or_sleep(&self) {
        if self.effects.exhausted() {
            self.tear_down();
            go_down("the browser has no memory left for a segment");
        } else if self.disposed.get() {
            self.tear_down();
        } else {
            self.sleep();
        }
    }

    fn sleep(&self) {
        let at = self
            .engine
            .borrow()
            .next_deadline()
            .map(|deadline| deadline.at);
        let run = self.this.clone();
        self.alarm.set(self.clock.now(), at, move || {
            if let Some(run) = run.upgrade() {
                run.wake();
            }
        });
    }

    fn dispose(&self) {
        if !self.disposed.replace(true) && self.busy.get().is_none() {
            self.tear_down();
        }
    }

    fn tear_down(&self) {
        self.disposed.set(true);
        self.outbox.close();
        self.alarm.clear();
        self.inbox.clear();
        self.say_goodbye();
        self.effects.clear();
    }

    /// Switches off, as far as the words for peers and trackers are concerned.
    fn say_goodbye(&self) {
        let mut actions = Vec::new();
        let off = Event::Switched { on: false };
        self.engine
            .borrow_mut()
            .handle(self.clock.now(), off, &mut actions);
        for action in actions {
            if matches!(action, Action::Send { .. } | Action::SendTracker { .. }) {
                self.effects.carry_out(action, None);
            }
        }
    }
}
