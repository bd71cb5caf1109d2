//! One player's client.

use super::error::ApiError;
use super::options::Options;
use super::segment::{parse_playlist, parse_segment};
use super::stats;
use crate::core::event::Event;
use crate::core::ids::{LoadId, PeerId};
use crate::core::time::Duration;
use crate::core::timeline::Playhead;
use crate::web::driver::{Driver, Identity};
use crate::web::entropy::random;
use crate::web::host::Host;
use crate::web::panic::install;
use js_sys::{ArrayBuffer, JsString, Object, Uint8Array};
use wasm_bindgen::prelude::*;

/// A swarm member: one for each player. Disposed when freed.
#[wasm_bindgen]
pub struct Client(Driver);

#[wasm_bindgen]
impl Client {
    /// Starts a client.
    ///
    /// `options`: JSON, the fields of the core's configuration, all optional, and `swarmKey`. `rtc`:
    /// an RTCConfiguration. `host`: the page's side; none of its methods is called before this returns.
    ///
    /// # Errors
    /// Code `bad-option`, with `field`, `value` and `allowed` where one field is out of its range.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsString, rtc: Option<Object>, host: Host) -> Result<Client, JsValue> {
        install();
        let Options { config, swarm_key } = Options::parse(options)?;
        let rtc = rtc.map(JsCast::unchecked_into);
        let driver = Driver::new(config, &swarm_key, identity()?, rtc, host);
        Ok(Self(driver.map_err(ApiError::from)?))
    }

    /// A media playlist was loaded or refreshed. JSON: `rendition`, `live`, `segments`, oldest first,
    /// only those with a known hash and size.
    ///
    /// # Errors
    /// Code `bad-argument`; the playlist before stays in force.
    pub fn playlist(&self, json: &JsString) -> Result<(), JsValue> {
        self.0.post(Event::PlaylistChanged(parse_playlist(json)?));
        Ok(())
    }

    /// Where the player is, in seconds on its timeline (`undefined`: in no buffered range), and how
    /// many media seconds pass per second (0: paused).
    pub fn playhead(&self, position: Option<f64>, rate: f64) {
        self.0
            .post(Event::PlayheadMoved(Playhead { position, rate }));
    }

    /// The player wants this segment (JSON) now, under a number never used before. Answered by exactly
    /// one `deliver` or `fail`, unless aborted.
    ///
    /// # Errors
    /// Code `bad-argument`; there is no answer then.
    pub fn load(&self, load: u32, segment: &JsString) -> Result<(), JsValue> {
        let segment = parse_segment(segment)?;
        self.0.post(Event::LoadRequested {
            load: LoadId(load),
            segment,
        });
        Ok(())
    }

    /// The player no longer wants what it asked for under this number.
    pub fn abort(&self, load: u32) {
        self.0.post(Event::LoadAborted { load: LoadId(load) });
    }

    /// The player has this whole segment (JSON) from the CDN without this client. The bytes are copied
    /// before this returns; bytes of another size than the segment's are left alone.
    ///
    /// # Errors
    /// Code `bad-argument`.
    pub fn insert(
        &self,
        segment: &JsString,
        data: &ArrayBuffer,
        #[wasm_bindgen(js_name = firstByteMs)] first_byte_ms: f64,
        #[wasm_bindgen(js_name = transferMs)] transfer_ms: f64,
    ) -> Result<(), JsValue> {
        let segment = parse_segment(segment)?;
        if data.byte_length() == segment.bytes {
            let (first_byte, transfer) = (millis(first_byte_ms), millis(transfer_ms));
            let event = Event::SegmentInserted {
                segment,
                first_byte,
                transfer,
            };
            self.0.post_media(event, Uint8Array::new(data));
        }
        Ok(())
    }

    /// Switches P2P on or off.
    pub fn switch(&self, on: bool) {
        self.0.post(Event::Switched { on });
    }

    /// Counters so far, as JSON.
    pub fn stats(&self) -> JsString {
        stats::json(&self.0.stats())
    }

    /// Says goodbye and leaves nothing behind: no connection, socket, request, timer or listener.
    /// Further calls do nothing.
    pub fn dispose(&self) {
        self.0.dispose();
    }
}

fn identity() -> Result<Identity, ApiError> {
    let peer = random().ok_or_else(ApiError::no_random)?;
    let seed = random().ok_or_else(ApiError::no_random)?;
    Ok(Identity {
        peer: PeerId(peer),
        seed: u64::from_le_bytes(seed),
    })
}

/// Negative, absurd and NaN count as none.
fn millis(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}
