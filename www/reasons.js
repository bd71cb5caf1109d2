/** Why P2P is off, in the viewer's words. Keys are `stats().offReason`. */
const reasons = {
  "switched-off": "Off: you switched it off. Everything comes from the CDN.",
  "no-trackers": "Off: no tracker is set, so there is no way to find other viewers.",
  "no-webrtc": "Off: this browser has no WebRTC. Everything comes from the CDN.",
  "xhr-setup": "Off: the player has xhrSetup without fetchSetup.",
  "no-hashes": "Off: the publisher lists no hashes, and nothing unverified is shared.",
  "cdn-refused": "Off: the CDN refuses requests that the player's own loader did not make.",
  "hash-mismatch": "Off: what the CDN has is not what the publisher's hashes say. What does not match is never played or shared.",
  "wasm-failed": "Off: the WebAssembly module did not load. Everything comes from the CDN.",
  "wasm-panicked": "Off: the WebAssembly module broke. The player's own loader has taken over.",
  busy: "Paused: this device has no time to spare. Everything comes from the CDN for a while.",
  loading: "Starting…",
  destroyed: "Off: the player is gone.",
};

/** One sentence. */
export function describe({ offReason, peers = 0, trackersConnected = 0 }) {
  if (offReason !== null) return reasons[offReason] ?? `Off: ${offReason}.`;
  if (peers > 0) return `On: sharing with ${peers} other ${peers === 1 ? "viewer" : "viewers"}.`;
  return trackersConnected > 0 ? "On: no other viewer yet." : "On: the tracker cannot be reached; trying again.";
}
