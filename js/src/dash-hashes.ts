import type { SegmentBook } from "./asked-hashes.js";
import type { DashFeed } from "./dash-feed.js";
import { kindOf } from "./dash-kind.js";
import type { FragmentRequest } from "./dash-types.js";
import { believed, trackOf } from "./known.js";
import type { Known, Segment } from "./known.js";
import type { Session } from "./session.js";
import type { UnlistedSegment } from "./types.js";

/** Hashes remembered at once: viewers seek back a little, and dash.js asks again for what it has dropped. */
const MOST = 512;

/** A segment that dash.js asks for. */
export interface DashSegment {
  /** As it is requested. */
  readonly url: string;
  /** Its byte range; null: the whole resource. */
  readonly range: { readonly offset: number; readonly bytes: number } | null;
  readonly fragment: FragmentRequest;
}

/**
 * Hashes of segments that no list names. Unlike in a list, a segment is found by exactly the URL that was asked for:
 * its name may be in the query. Those ahead of the player are not known; dash.js keeps them to itself.
 */
export class DashHashes implements SegmentBook<DashSegment> {
  readonly #session: Session;
  readonly #feed: DashFeed;
  readonly #known = new Map<string, Known>();

  constructor(session: Session, feed: DashFeed) {
    this.#session = session;
    this.#feed = feed;
  }

  /** Another stream begins, or none. */
  reset(): void {
    this.#known.clear();
  }

  /** As the engine takes it, if its hash is known. */
  segment({ fragment, range, url }: DashSegment): Segment | null {
    const known = this.#find(url, range);
    if (!known) return null;
    const { duration, index: sn, mediaType, representation, startTime: start } = fragment;
    const rendition = this.#feed.rendition(`${mediaType} ${representation?.id}`);
    return { ...known, url, offset: range?.offset ?? null, rendition, track: trackOf(kindOf(mediaType)), sn, start, duration };
  }

  has({ range, url }: DashSegment): boolean {
    return this.#find(url, range) !== null;
  }

  #find(url: string, range: DashSegment["range"]): Known | null {
    return believed(this.#known.get(keyOf(url, range)));
  }

  after(): readonly DashSegment[] {
    return [];
  }

  learn({ range, url }: DashSegment, known: Known): void {
    const key = keyOf(url, range);
    this.#known.delete(key);
    this.#known.set(key, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    this.#session.sawPlaylist(true);
  }
}

/** A segment as the application is told of it. */
export function unlisted({ fragment, range, url }: DashSegment): UnlistedSegment {
  const { duration, index: sn, mediaType, startTime: start } = fragment;
  const kind = kindOf(mediaType);
  return { url, offset: range?.offset ?? null, bytes: range?.bytes ?? null, sn, kind, start, duration };
}

function keyOf(url: string, range: DashSegment["range"]): string {
  return range ? `${url} ${range.offset}+${range.bytes}` : url;
}
