//! Back-pressure: one `SendDrained` for every batch of sends, when little enough waits.

use crate::core::config::SEND_LOW_WATER;
use crate::core::event::Event;
use crate::core::ids::ConnId;
use crate::web::inbox::{Input, Port};
use std::cell::Cell;
use std::rc::Rc;
use web_sys::RtcDataChannel;

/// Whether a `SendDrained` is owed.
pub(super) struct Drain {
    conn: ConnId,
    channel: RtcDataChannel,
    port: Port,
    owed: Cell<bool>,
}

impl Drain {
    pub(super) fn new(conn: ConnId, channel: &RtcDataChannel, port: &Port) -> Rc<Self> {
        Rc::new(Self {
            conn,
            channel: channel.clone(),
            port: port.clone(),
            owed: Cell::new(false),
        })
    }

    /// Something was sent.
    pub(super) fn expect(&self) {
        self.owed.set(true);
    }

    /// Reports, if owed and due. If it is not due yet, the channel's "bufferedamountlow" leads here again.
    pub(super) fn report(&self) {
        if !self.owed.get() {
            return;
        }
        let buffered = self.channel.buffered_amount() as usize;
        if buffered <= SEND_LOW_WATER {
            self.owed.set(false);
            self.port.post(Input::Event(Event::SendDrained {
                conn: self.conn,
                buffered,
            }));
        }
    }
}
