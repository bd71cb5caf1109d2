import type { Fragment, LevelDetails } from "./hls-types.js";
import { believed, trackOf } from "./known.js";
import type { Known, Segment } from "./known.js";
import { UnjudgedError } from "./signature-errors.js";
import { readTags } from "./tag.js";
import type { UnlistedSegment } from "./types.js";

/** What a stream's hashes come from beside its playlists' tags. */
export interface HashesHost {
  /** Rejects with the reason if the publisher has not signed these tags; null: nobody asks for signatures. */
  readonly judge: ((details: LevelDetails, tags: ReadonlyMap<number, Known>) => Promise<void>) | null;
  /** A playlist's tags do not count; said for each reason once. */
  refused(error: Error): void;
  /** What an integrity list says of a fragment; null: nothing. */
  listed(frag: Fragment): Known | null;
}

/** A playlist's text, and whether it still is to be decided if its tags count. */
interface Judged {
  readonly text: string;
  answer: Promise<void> | null;
}

/** Hashes of segments this far behind the live window are forgotten. */
const KEEP_BEHIND = 64;

/**
 * The hashes of one stream, by fragment, in the order in which their sources count: the playlist's tag, an integrity list,
 * whatever had to be asked for. Fragments are looked up as objects first, which survives any
 * renaming, then by playlist and media sequence number: each refresh of a playlist makes new objects, and
 * a delta playlist does not repeat the tags of the segments it skips.
 */
export class HlsHashes {
  readonly #renditions = new Map<string, number>();
  readonly #host: HashesHost | null;
  readonly #said = new Set<string>();
  #tags = new Book();
  #asked = new Book();
  #read = new WeakSet<LevelDetails>();
  #unjudged = new WeakSet<LevelDetails>();
  #judged = new Map<number, Judged>();

  /** Without a host: tags and what is learned, and no more. */
  constructor(host: HashesHost | null = null) {
    this.#host = host;
  }

  /** Another stream begins. Rendition numbers stay as they are for the whole session. */
  reset(): void {
    this.#tags = new Book();
    this.#asked = new Book();
    this.#read = new WeakSet();
    this.#judged = new Map();
    this.#said.clear();
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

  /**
   * Reads a playlist's tags; the second time it is the same object, there is nothing new. Null: that is done; else it is
   * when the promise is, which never rejects.
   */
  read(details: LevelDetails): Promise<void> | null {
    if (this.#read.has(details)) return this.#answerFor(details.url);
    this.#read.add(details);
    const tags = readTags(details.m3u8);
    const judge = this.#host?.judge;
    if (!judge) {
      this.#take(details, tags);
      return null;
    }
    const before = this.#judged.get(this.rendition(details.url));
    // What does not change is judged once.
    if (before?.text === details.m3u8) return before.answer;
    return this.#judge(details, tags, judge(details, tags));
  }

  /** Whether a playlist could not be judged; then it is judged anew when it is read again. Says so once. */
  wasUnjudged(details: LevelDetails): boolean {
    return this.#unjudged.delete(details) && this.#read.delete(details);
  }

  /** A decision that is about to come on the playlist of a fragment; null: none. */
  pending(frag: Fragment): Promise<void> | null {
    return this.#answerFor(frag.baseurl);
  }

  /** The hash of a fragment, if it is known. */
  find(frag: Fragment): Known | null {
    return this.published(frag) ?? believed(this.#asked.find(this.rendition(frag.baseurl), frag));
  }

  /** The same by its playlist, or by an integrity list. */
  published(frag: Fragment): Known | null {
    return this.#tags.find(this.rendition(frag.baseurl), frag) ?? this.#host?.listed(frag) ?? null;
  }

  /** A hash that came by another way than a playlist or a list. */
  learn(frag: Fragment, known: Known): void {
    if (typeof frag.sn === "number" && fits(frag, known)) this.#asked.numbers(this.rendition(frag.baseurl)).set(frag.sn, known);
  }

  /** The engine's view of a fragment. `url` where a request's differs from the playlist's. */
  segment(frag: Fragment, known: Known, url = frag.url): Segment {
    return {
      ...known,
      url,
      offset: range(frag)?.start ?? null,
      rendition: this.rendition(frag.baseurl),
      track: trackOf(frag.type),
      sn: Number(frag.sn),
      start: frag.start,
      duration: frag.duration,
    };
  }

  #answerFor(playlistUrl: string): Promise<void> | null {
    return this.#judged.get(this.rendition(playlistUrl))?.answer ?? null;
  }

  #judge(details: LevelDetails, tags: ReadonlyMap<number, Known>, verdict: Promise<void>): Promise<void> {
    const rendition = this.rendition(details.url);
    const book = this.#tags;
    const take = (): void => {
      // Another stream has begun meanwhile.
      if (book === this.#tags) this.#take(details, tags);
    };
    const judged: Judged = { text: details.m3u8, answer: null };
    const refuse = (error: Error): void => {
      if (book !== this.#tags) return;
      if (error instanceof UnjudgedError) this.#failed(details, judged);
      this.#refuse(error);
    };
    judged.answer = verdict.then(take, refuse).finally(() => {
      judged.answer = null;
    });
    this.#judged.set(rendition, judged);
    return judged.answer;
  }

  /** Of the text that says nothing, so nothing is remembered. */
  #failed(details: LevelDetails, judged: Judged): void {
    const rendition = this.rendition(details.url);
    this.#unjudged.add(details);
    if (this.#judged.get(rendition) === judged) this.#judged.delete(rendition);
  }

  #refuse(error: Error): void {
    if (this.#said.has(error.message)) return;
    this.#said.add(error.message);
    this.#host?.refused(error);
  }

  #take(details: LevelDetails, tags: ReadonlyMap<number, Known>): void {
    const rendition = this.rendition(details.url);
    const numbers = this.#tags.numbers(rendition);
    for (const [sn, known] of tags) numbers.set(sn, known);
    for (const book of [this.#tags, this.#asked]) book.forget(rendition, details.startSN - KEEP_BEHIND, details.endSN);
    for (const frag of details.fragments) if (frag) this.#tags.find(rendition, frag);
  }
}

/** Hashes of one kind. */
class Book {
  readonly #byFragment = new WeakMap<Fragment, Known>();
  readonly #byNumber = new Map<number, Map<number, Known>>();

  /** By media sequence number. */
  numbers(rendition: number): Map<number, Known> {
    const numbers = this.#byNumber.get(rendition) ?? new Map<number, Known>();
    this.#byNumber.set(rendition, numbers);
    return numbers;
  }

  /** Keeps these numbers. Beyond the end: the packager began anew, with lower ones. */
  forget(rendition: number, first: number, last: number): void {
    const numbers = this.numbers(rendition);
    for (const sn of numbers.keys()) if (sn < first || sn > last) numbers.delete(sn);
  }

  find(rendition: number, frag: Fragment): Known | null {
    const direct = this.#byFragment.get(frag);
    if (direct) return direct;
    if (typeof frag.sn !== "number") return null;
    const known = this.numbers(rendition).get(frag.sn);
    if (!known || !fits(frag, known)) return null;
    this.#byFragment.set(frag, known);
    return known;
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
