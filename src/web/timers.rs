//! The one wake-up, and a way to let the browser breathe.

use crate::core::time::{Time, micros};
use crate::web::panic::is_down;
use gloo_timers::callback::Timeout;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::MessageChannel;

/// At most one armed timer.
///
/// An armed timer that is early enough is left alone: waking early does no harm, and thousands of
/// messages a second would otherwise each pay for a new one.
#[derive(Default)]
pub struct Alarm(RefCell<Option<(Time, Timeout)>>);

impl Alarm {
    /// Sees to it that `ring` is called at `at`, perhaps earlier too; with `None`, not at all.
    pub fn set(self: &Rc<Self>, now: Time, at: Option<Time>, ring: impl FnOnce() + 'static) {
        let Some(at) = at else {
            return self.clear();
        };
        if self
            .0
            .borrow()
            .as_ref()
            .is_some_and(|(armed, _)| *armed <= at)
        {
            return;
        }
        let alarm = Rc::downgrade(self);
        let timeout = Timeout::new(ceil_millis(now, at), move || {
            if let Some(alarm) = alarm.upgrade() {
                alarm.clear();
            }
            if !is_down() {
                ring();
            }
        });
        self.0.replace(Some((at, timeout)));
    }

    /// Disarms.
    pub fn clear(&self) {
        self.0.take();
    }
}

/// Rounded up, so that the timer is never early by a rounding and armed again for nothing.
fn ceil_millis(now: Time, at: Time) -> u32 {
    const LONGEST: u64 = i32::MAX as u64;
    let ms = micros(at.since(now)).div_ceil(1000).min(LONGEST);
    u32::try_from(ms).unwrap_or(u32::MAX)
}

/// Calls `then` in a later task of the event loop, without the delays browsers add to short timers.
pub(crate) fn next_task(then: impl FnOnce() + 'static) {
    let then = move || {
        if !is_down() {
            then();
        }
    };
    let Ok(channel) = MessageChannel::new() else {
        Timeout::new(0, then).forget();
        return;
    };
    let (inner, outer) = (channel.port1(), channel.port2());
    let listener = Closure::once_into_js(move || {
        outer.close();
        then();
    });
    inner.set_onmessage(Some(listener.unchecked_ref()));
    // Null can always be posted.
    let _ = channel.port2().post_message(&JsValue::NULL);
}
