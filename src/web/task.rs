//! Futures that end with their owner.

use crate::web::panic::is_down;
use futures::future::{AbortHandle, Abortable};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use wasm_bindgen_futures::spawn_local;

/// A running future; given up on Drop, and with it everything it holds.
#[must_use = "the task is given up when this is dropped"]
pub struct Task(AbortHandle);

impl Task {
    /// Starts `future` in the next microtask.
    pub fn spawn(future: impl Future<Output = ()> + 'static) -> Self {
        let (handle, registration) = AbortHandle::new_pair();
        let task = Abortable::new(future, registration);
        detach(async move {
            let _ = task.await;
        });
        Self(handle)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts a future that nobody owns; it must be one that ends soon by itself.
pub(crate) fn detach(future: impl Future<Output = ()> + 'static) {
    spawn_local(async move {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if is_down() {
                Poll::Ready(())
            } else {
                future.as_mut().poll(cx)
            }
        })
        .await;
    });
}
