import type { Fragment, LevelDetails } from "./hls-types.js";
import type { Known, Segment } from "./known.js";
import { readTags } from "./tag.js";
import type { UnlistedSegment } from "./types.js";

/** Hashes of segments this far behind the live window are forgotten. */
const KEEP_BEHIND = 64;

/**
 * The hashes of one stream, by fragment. Fragments are looked up as objects first, which survives any
 * renaming, then by playlist and media sequence number: each refresh of a playlist makes new objects, and
 * a delta playlist does not repeat the tags of the segments it skips.
 */
export class HlsHashes {
  readonly #renditions = new Map<string, number>();
  #byFragment = new WeakMap<Fragment, Known>();
  #byNumber = new Map<number, Map<number, Known>>();
  #read = new WeakSet<LevelDetails>();

  /** Another stream begins. Rendition numbers stay as they are for the whole session. */
  reset(): void {
    this.#byFragment = new WeakMap();
    this.#byNumber = new Map();
    this.#read = new WeakSet();
  }

  /** A rendition's number: one per playlist URL without query, stable for the session. */
  rendition(playlistUrl: string): number {
    const key = playlistUrl.replace(/[?#].*$/s, "");
    const known = this.#renditions.get(key);
    if (known !== undefined) return known;
    const next = this.#renditions.size;
    this.#renditions.set(key, next);
    return next;
  }

  /** Reads a playlist's tags; the second time it is the same object, there is nothing new. */
  read(details: LevelDetails): void {
    if (this.#read.has(details)) return;
    this.#read.add(details);
    const numbers = this.#numbers(details.url);
    for (const [sn, known] of readTags(details.m3u8)) numbers.set(sn, known);
    for (const sn of numbers.keys()) {
      // Beyond the end: the packager began anew, with lower numbers.
      if (sn < details.startSN - KEEP_BEHIND || sn > details.endSN) numbers.delete(sn);
    }
    for (const frag of details.fragments) if (frag) this.find(frag);
  }

  /** The hash of a fragment, if it is known. */
  find(frag: Fragment): Known | null {
    const direct = this.#byFragment.get(frag);
    if (direct) return direct;
    if (typeof frag.sn !== "number") return null;
    const known = this.#numbers(frag.baseurl).get(frag.sn);
    if (!known) return null;
    if (!fits(frag, known)) return null;
    this.#byFragment.set(frag, known);
    return known;
  }

  /** A hash that came by another way than the playlist. */
  learn(frag: Fragment, known: Known): void {
    if (typeof frag.sn !== "number" || !fits(frag, known)) return;
    this.#byFragment.set(frag, known);
    this.#numbers(frag.baseurl).set(frag.sn, known);
  }

  /** The engine's view of a fragment. `url` where a request's differs from the playlist's. */
  segment(frag: Fragment, known: Known, url = frag.url): Segment {
    return {
      ...known,
      url,
      offset: range(frag)?.start ?? null,
      rendition: this.rendition(frag.baseurl),
      sn: Number(frag.sn),
      start: frag.start,
      duration: frag.duration,
    };
  }

  #numbers(playlistUrl: string): Map<number, Known> {
    const rendition = this.rendition(playlistUrl);
    const numbers = this.#byNumber.get(rendition) ?? new Map<number, Known>();
    this.#byNumber.set(rendition, numbers);
    return numbers;
  }
}

/** Where a fragment lies in its resource; null: it is the whole. */
export function range(frag: Fragment): { start: number; length: number } | null {
  const { byteRangeStartOffset: start, byteRangeEndOffset: end } = frag;
  return start !== undefined && end !== undefined ? { start, length: end - start } : null;
}

/** A fragment as the application is told of it. */
export function unlisted(frag: Fragment): UnlistedSegment {
  const { duration, sn, start, url } = frag;
  const part = range(frag);
  const [offset, bytes] = part ? [part.start, part.length] : [null, null];
  return { url, offset, bytes, sn: Number(sn), kind: frag.type === "audio" ? "audio" : "main", start, duration };
}

/** A size that the playlist itself contradicts makes the whole tag worthless. */
function fits(frag: Fragment, known: Known): boolean {
  const part = range(frag);
  return !part || part.length === known.bytes;
}
