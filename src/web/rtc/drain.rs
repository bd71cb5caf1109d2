//! Back-pressure: one `SendDrained` for every [`SEND_REPORT`] bytes sent, when little enough waits.

use crate::core::config::{SEND_LOW_WATER, SEND_REPORT};
use crate::core::event::Event;
use crate::core::ids::ConnId;
use crate::web::inbox::{Input, Port};
use std::cell::Cell;
use std::rc::Rc;
use web_sys::RtcDataChannel;

/// What was sent since the last `SendDrained`.
pub(super) struct Drain {
    conn: ConnId,
    channel: RtcDataChannel,
    port: Port,
    sent: Cell<usize>,
}

impl Drain {
    pub(super) fn new(conn: ConnId, channel: &RtcDataChannel, port: &Port) -> Rc<Self> {
        Rc::new(Self {
            conn,
            channel: channel.clone(),
            port: port.clone(),
            sent: Cell::new(0),
        })
    }

    /// So many bytes were sent.
    pub(super) fn add(&self, bytes: usize) {
        self.sent.set(self.sent.get() + bytes);
    }

    /// Reports, if owed and due. If it is not due yet, the channel's "bufferedamountlow" leads here again.
    pub(super) fn report(&self) {
        if self.sent.get() < SEND_REPORT {
            return;
        }
        let buffered = self.channel.buffered_amount() as usize;
        if buffered <= SEND_LOW_WATER {
            self.sent.set(0);
            self.port.post(Input::Event(Event::SendDrained {
                conn: self.conn,
                buffered,
            }));
        }
    }
}
