/** What an application may set. Every field has a working default but `trackers`. */
export interface SwarmlineOptions {
  /**
   * WebTorrent trackers, `ws:` or `wss:` URLs, at most 8. Default: none, and then there are no
   * peers: everything comes from the CDN and the WebAssembly module is not even loaded.
   */
  trackers?: readonly string[];
  /**
   * Name of the swarm, 1 to 256 characters. Viewers with the same name share, whatever manifest URL
   * they use. Default: the manifest URL without query and fragment.
   */
  swarmId?: string;
  /** Whether P2P starts switched on; see `Swarmline.setEnabled`. Default: true. */
  enabled?: boolean;
  /** STUN and TURN servers, as for `RTCPeerConnection`. Default: none. */
  iceServers?: readonly RTCIceServer[];
  /** Most peers connected at once, 1 to 64. Default: 16. */
  maxPeers?: number;
  /** Upload ceiling in bit/s over all peers; 0: never upload. Default: 20,000,000. */
  maxUploadBitrate?: number;
  /** Verified segments kept for others, in bytes, 1 MiB to 4 GiB. Default: 64 MiB. */
  cacheBytes?: number;
  /** A larger segment is left to the player's own loader, in bytes, at most 256 MiB. Default: 32 MiB. */
  maxSegmentBytes?: number;
  /** A CDN request that brings nothing for this long has failed, in ms, 1,000 to 120,000. Default: 10,000. */
  cdnTimeoutMs?: number;
  /**
   * Where the WebAssembly file is. One page loads it once: the first player's value counts.
   * Default: `wasm/swarmline_bg.wasm` beside this package's modules.
   */
  wasmUrl?: string | URL;
  /**
   * Where the integrity list is (docs/integrity-list.md), or PeerTube's `segments-sha256.json`. Default: what an MPD names in
   * its `SupplementalProperty` with the scheme `urn:swarmline:integrity:2026`; for HLS none, and with one the playlist's own
   * tags still count for more.
   */
  integrityUrl?: string | URL;
  /**
   * Public keys (Ed25519) of the publisher, 1 to 8, each as `swarmline keygen` prints it: 32 bytes in base64url, 43
   * characters. With them, only hashes count that were signed with one of them for the stream that `swarmId` names, which
   * must then be given: an unsigned playlist or list, or one that is signed wrongly, for another stream or too long ago, is
   * as good as none, and a `warning` event with the code `signature` says so, once for each reason. The CDN's digests do not
   * count either, for nobody has signed them; the option `hashes` does. While one key replaces another, give both.
   * Default: none, and no signature is looked at.
   */
  publisherKeys?: readonly string[];
  /**
   * Gives the hashes of segments for which neither the playlist, the integrity list nor the CDN's own digests have one;
   * null for a segment that has none. Asked once for a segment, of a few segments ahead of the player where they are
   * known, at most three at a time. Playback waits for an answer only when it has the time, at most 500 ms; what is
   * answered within 5 s still serves other viewers. Whatever it throws or answers wrongly is a `warning` event with the
   * code `hashes-callback`, and the segment comes from the CDN only. Default: none.
   */
  hashes?: HashCallback;
}

/** The option `hashes`. The answer, or the promise of one, must come from the publisher: viewers share what has this hash. */
export type HashCallback = (segment: UnlistedSegment) => PublishedHash | null | Promise<PublishedHash | null>;

/** A media segment for which nobody else has a hash. */
export interface UnlistedSegment {
  /** Absolute URL. */
  url: string;
  /** Where it begins inside the resource, in bytes; null: it is the whole resource. */
  offset: number | null;
  /** Size of its byte range; null: it is the whole resource. */
  bytes: number | null;
  /** Media sequence number of HLS, or what dash.js counts. */
  sn: number;
  /** What it holds: `main` is video, with or without audio. */
  kind: "main" | "audio";
  /** Start on the player's timeline in seconds. */
  start: number;
  /** Duration in seconds. */
  duration: number;
}

/** What the publisher says of one segment. */
export interface PublishedHash {
  /** SHA-256 of exactly the bytes that the player asks for, in hex or as base64url without padding. */
  sha256: string;
  /** BEP 52 pieces root over 16 KiB leaves, spelled likewise: with it viewers pass on chunks, without it whole segments. */
  root?: string | null;
  /** Size in bytes. */
  bytes: number;
}

/**
 * Why P2P is off.
 * - `switched-off`: by option `enabled` or by `setEnabled(false)`.
 * - `no-trackers`: the option `trackers` is empty.
 * - `no-webrtc`: this browser has no `RTCPeerConnection`.
 * - `xhr-setup`: hls.js is configured with `xhrSetup` and without `fetchSetup`, so Swarmline's own CDN
 *   requests could not carry what the application adds to its own. Set `fetchSetup` too.
 * - `no-hashes`: the publisher gives no hash for any segment; nothing unverified is ever shared.
 * - `cdn-refused`: the CDN answers the player's own requests but refuses Swarmline's (CORS for `Range`,
 *   or credentials that only the player's loader adds).
 * - `hash-mismatch`: segment after segment of the CDN's, asked for twice each, was not what the publisher's hashes say. Until
 *   another stream is opened nothing is shared; the CDN's bytes are compared as before, and what does not match is an error.
 * - `wasm-failed`: the WebAssembly module could not be loaded; tried again later.
 * - `wasm-panicked`: it broke. The player's own loader has taken over until the page is reloaded.
 * - `busy`: the viewer's machine has no time to spare: timers come late again and again. The player's own loader does all
 *   for a while, 10 s at least; twice as long each time.
 * - `loading`: not there yet: no playlist, or the module is on its way.
 * - `destroyed`: the player was destroyed.
 */
export type OffReason =
  | "switched-off"
  | "no-trackers"
  | "no-webrtc"
  | "xhr-setup"
  | "no-hashes"
  | "cdn-refused"
  | "hash-mismatch"
  | "wasm-failed"
  | "wasm-panicked"
  | "busy"
  | "loading"
  | "destroyed";

/**
 * Counters since the player was made. Bytes are those of segments; playlists, lists and init segments are not counted. Each
 * chunk of a low-latency stream counts as a segment.
 */
export interface SwarmlineStats {
  /** Whether the application wants P2P (option `enabled`, `setEnabled`). */
  enabled: boolean;
  /** Why P2P is off now; null while it is on. */
  offReason: OffReason | null;
  /** More on `offReason` for a log: an error's words, or null. */
  offDetail: string | null;
  /** Bytes received from the CDN, by whichever loader; duplicates and aborted requests included. */
  cdnBytes: number;
  /** Bytes received from peers, duplicates and wrong ones included. */
  peerBytes: number;
  /** Bytes sent to peers. */
  uploadedBytes: number;
  /** Bytes received that served nothing: wrong, never asked for, or of segments given up. */
  wastedBytes: number;
  /** Bytes received that were there already. */
  duplicateBytes: number;
  /** Bytes handed to the player. */
  deliveredBytes: number;
  /** Net offload: 1 − cdnBytes ÷ deliveredBytes. Negative when more was fetched than played; 0 before the first segment. */
  offload: number;
  /** Connected peers. */
  peers: number;
  /** Segments delivered of which more came from the CDN than from peers. */
  segmentsFromCdn: number;
  /** Segments delivered of which at least half came from peers. */
  segmentsFromPeers: number;
  /** Payloads, from peers or the CDN, that did not match their hash. None was delivered. */
  hashFailures: number;
  /** Times a viewer was sent away for what it did, and is kept away for a while; see {@link PeerDisconnectDetail.reason}. */
  bans: number;
  /** Segments that peers did not complete in time and the CDN then did, before the player ran dry. */
  stallsAvoided: number;
  /** Bytes of segments kept, or being loaded. */
  cacheBytes: number;
  /** Trackers with an open connection. */
  trackersConnected: number;
}

/** A segment was delivered to the player, or a chunk of a low-latency one. */
export interface SegmentDetail {
  /** SHA-256 in hex, or null if it was delivered without a known hash. */
  hash: string | null;
  /** Media sequence number. */
  sn: number;
  /**
   * Number of the rendition (one per playlist URL, or per representation of an MPD), as Swarmline counts them; −1 for a
   * segment of an MPD whose hash is not known.
   */
  rendition: number;
  /** What it holds: `main` is video, with or without audio. */
  kind: "main" | "audio";
  /** Size in bytes. */
  bytes: number;
  /** Duration in seconds. */
  duration: number;
  /** Bytes of it that came from peers. */
  peerBytes: number;
  /** Bytes of it that came from the CDN. */
  cdnBytes: number;
  /** Time that was left until the player would have run dry, in ms; null where that is not known. */
  slackMs: number | null;
  /** Who loaded it: Swarmline, or the player's own loader. */
  loader: "swarm" | "player";
}

/** A peer is connected. */
export interface PeerConnectDetail {
  /** Number of the connection. */
  conn: number;
  /** The peer's id in hex. */
  peer: string;
}

/** A peer is gone. */
export interface PeerDisconnectDetail extends PeerConnectDetail {
  /** A stable word: `closed`, `silent`, `bad-hash`, `protocol`, `flood`, `version`, `unkept`, `slow`, `bye`, `duplicate`, `replaced`, `off`. */
  reason: string;
}

/** Bytes did not match the publisher's hash; they are thrown away (but see `OffReason`, `hash-mismatch`). */
export interface HashFailureDetail {
  /** SHA-256 in hex that they should have had. */
  hash: string;
  /** All of them from the CDN; `false`: from a peer, or from several sources of which it is not known who was wrong. */
  fromCdn: boolean;
}

/** A tracker's connection opened or closed. */
export interface TrackerDetail {
  /** The tracker. */
  url: string;
  /** Whether its connection is open. */
  connected: boolean;
}

/** A tracker refused something, or said what cannot be read. */
export interface TrackerWarningDetail {
  /** The tracker. */
  url: string;
  /** Its words, at most 200 characters. */
  message: string;
}

/** P2P went on or off, or the reason for being off changed. */
export interface StateDetail {
  /** Null: on. */
  offReason: OffReason | null;
  /** More for a log, or null. */
  offDetail: string | null;
}

/** Something went wrong inside and was put right; playback did not suffer. */
export interface WarningDetail {
  /** Stable word: `engine-error`, `engine-silent`, `integrity-list`, `signature`, `signature-unchecked`, `hashes-callback`, `cdn-refused`, `hash-mismatch`, `wasm-failed`, `wasm-panicked`. */
  code: string;
  /** For a log. */
  message: string;
}

/** Events of `Swarmline`, by name; the payload is in `event.detail`. */
export interface SwarmlineEventMap {
  segment: CustomEvent<SegmentDetail>;
  peerconnect: CustomEvent<PeerConnectDetail>;
  peerdisconnect: CustomEvent<PeerDisconnectDetail>;
  hashfailure: CustomEvent<HashFailureDetail>;
  tracker: CustomEvent<TrackerDetail>;
  trackerwarning: CustomEvent<TrackerWarningDetail>;
  statechange: CustomEvent<StateDetail>;
  warning: CustomEvent<WarningDetail>;
}
