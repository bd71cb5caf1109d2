/** Whether the sizes that the CDN's headers tell have turned out wrong; one for all of a stream. */
export interface Guess {
  wrong: boolean;
}

/**
 * Under this, a segment has it whose size nobody but a header has told. A symbol, for JSON has none: the engine takes no
 * fields that it does not know.
 */
export const GUESS = Symbol("guess");

/** What a publisher says of one segment's bytes. Hashes are base64url without padding. */
export interface Known {
  /** SHA-256 of exactly the bytes the player asks for. */
  readonly sha256: string;
  /** BEP 52 pieces root over 16 KiB leaves, if the publisher gave one. */
  readonly root: string | null;
  /** Size in bytes. */
  readonly bytes: number;
  readonly [GUESS]?: Guess;
}

/** The same, unless its size is a guess and such guesses have turned out wrong. */
export function believed<K extends Known>(known: K | null | undefined): K | null {
  return known && !known[GUESS]?.wrong ? known : null;
}

/** A segment, as the engine takes it. */
export interface Segment extends Known {
  /** Absolute URL at the CDN. */
  readonly url: string;
  /** Where it begins inside the resource; null: it is the whole resource. */
  readonly offset: number | null;
  /** Number of its rendition. */
  readonly rendition: number;
  /** Number of its track: of the renditions of one, the player plays one at a time. */
  readonly track: number;
  /** Media sequence number. */
  readonly sn: number;
  /** Start on the player's timeline in seconds. */
  readonly start: number;
  /** Duration in seconds. */
  readonly duration: number;
}

/** What a player asks for, by hls.js' name (dash.js' video is "main") → the number of its track. */
export function trackOf(kind: string): number {
  return kind === "audio" ? 1 : kind === "subtitle" ? 2 : 0;
}

/** The largest size that a segment may be said to have, in bytes. */
export const MAX_BYTES = 0xffff_ffff;

/** 32 bytes as base64url without padding: 43 characters, whose last one has two bits to spare. */
export function isHash(text: string): boolean {
  return /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(text);
}

/** 32 bytes in hex, or base64url without padding, → the latter; null if it is anything else. */
export function readHash(text: unknown): string | null {
  if (typeof text !== "string") return null;
  if (!/^[0-9a-f]{64}$/i.test(text)) return isHash(text) ? text : null;
  return toBase64Url(Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
}

/** Standard base64 of 32 bytes → base64url without padding; null if it is anything else. */
export function fromBase64(text: string): string | null {
  const url = text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=$/, "");
  return isHash(url) ? url : null;
}

/** Bytes → base64url without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** base64url without padding → bytes. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (byte) => byte.charCodeAt(0));
}

/** base64url without padding → hex. */
export function toHex(hash: string): string {
  return Array.from(fromBase64Url(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
