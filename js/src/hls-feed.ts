import type { SegmentBook } from "./asked-hashes.js";
import type { HlsHashes } from "./hls-hashes.js";
import type { Fragment, LevelDetails } from "./hls-types.js";
import type { Known, Segment } from "./known.js";
import type { Playhead } from "./playhead.js";
import type { Session } from "./session.js";

/** Segments told at once; a long recording is told in windows around the playhead. */
const WINDOW = 400;
/** Segments after one that is asked for whose hashes are worth asking for. */
const LOOK_AHEAD = 4;
/** A timeline that moved by less is not told again, in seconds. */
const MOVED = 0.02;

/** What an integrity list can be asked, where there is one. */
export interface ListView {
  /** SHA-256, base64url, of a fragment by a list that says nothing else of it; null: none does. */
  named(frag: Fragment): string | null;
  /** Whether it has not been read yet. */
  awaited(): boolean;
}

interface Told {
  readonly details: LevelDetails;
  readonly first: number;
  readonly last: number;
  readonly edge: number;
}

/** Tells the engine what the playlists say and where the playhead is. */
export class HlsFeed implements SegmentBook<Fragment> {
  readonly #session: Session;
  readonly #hashes: HlsHashes;
  readonly #playhead: Playhead;
  readonly #withheld = new Set<string>();
  readonly #list: ListView;
  #told = new Map<number, Told>();

  constructor(session: Session, hashes: HlsHashes, playhead: Playhead, list: ListView) {
    this.#list = list;
    this.#session = session;
    this.#hashes = hashes;
    this.#playhead = playhead;
  }

  /** Another stream begins. */
  reset(): void {
    this.#told = new Map();
    this.#hashes.reset();
  }

  /** A playlist was loaded or refreshed. */
  updated(details: LevelDetails): void {
    const answer = this.#hashes.read(details);
    if (!answer) return this.#decided(details);
    const told = this.#told;
    this.#tell(details);
    void answer.then(() => {
      // By now another stream may have begun, or a newer playlist be there.
      if (told === this.#told) this.#decided(this.#told.get(this.#hashes.rendition(details.url))?.details ?? details);
    });
  }

  /** The player asks for a fragment, and so its hash: time to judge what could not be judged before. */
  asked(frag: Fragment): void {
    const details = this.#playlistOf(frag);
    if (details && this.#hashes.wasUnjudged(details)) this.updated(details);
  }

  /** The integrity list was read again, or cannot be. */
  relisted(): void {
    for (const { details } of [...this.#told.values()]) this.#decided(details);
  }

  /** Whether every playlist that was read has ended. */
  get isOver(): boolean {
    return this.#told.size > 0 && [...this.#told.values()].every(({ details }) => !details.live);
  }

  /** It is known which hashes of a playlist count. */
  #decided(details: LevelDetails): void {
    const some = details.fragments.some((frag) => frag && (this.#hashes.find(frag) ?? this.#list.named(frag)) !== null);
    if (some || !this.#list.awaited()) this.#session.sawPlaylist(some);
    this.#tell(details);
  }

  has(frag: Fragment): boolean {
    return this.#hashes.find(frag) !== null;
  }

  after(frag: Fragment): readonly Fragment[] {
    const sn = Number(frag.sn);
    const isNear = (next: Fragment | null): next is Fragment =>
      next !== null && Number(next.sn) > sn && Number(next.sn) <= sn + LOOK_AHEAD;
    return this.#playlistOf(frag)?.fragments.filter(isNear) ?? [];
  }

  learn(frag: Fragment, known: Known): void {
    this.#hashes.learn(frag, known);
    this.#session.sawPlaylist(true);
    const details = this.#playlistOf(frag);
    if (details) this.#tell(details);
  }

  /** The timeline was found to begin elsewhere than the playlist said. */
  shifted(details: LevelDetails): void {
    const told = this.#told.get(this.#hashes.rendition(details.url));
    if (told && Math.abs(edge(details) - told.edge) < MOVED) return;
    this.#tell(details);
  }

  /** The player's loader is at it: an engine that hears of it now would fetch it a second time. */
  withhold(frag: Fragment): void {
    this.#withheld.add(this.#key(frag));
  }

  /** The player's loader is done with it, one way or the other; the next playlist may name it. */
  release(frag: Fragment): void {
    this.#withheld.delete(this.#key(frag));
  }

  /** The latest playlist that lists a URL, and the fragment; for requests that the player did not begin. */
  fragmentAt(url: string): Fragment | null {
    for (const { details } of this.#told.values()) {
      const found = details.fragments.find((frag) => frag?.url === url);
      if (found) return found;
    }
    return null;
  }

  /** The playhead moved. */
  moved(): void {
    const { position, rate } = this.#playhead;
    this.#session.playhead(position, rate);
    if (position === undefined) return;
    for (const { details, first, last } of [...this.#told.values()]) {
      if (isNear(details, position, first, last)) this.#tell(details);
    }
  }

  /** Everything again, for a new engine. */
  replay(): void {
    for (const { details } of [...this.#told.values()]) this.#tell(details);
    this.moved();
  }

  #tell(details: LevelDetails): void {
    const rendition = this.#hashes.rendition(details.url);
    const [first, last] = windowOf(details, this.#playhead.position);
    this.#told.set(rendition, { details, first, last, edge: edge(details) });
    const segments: Segment[] = [];
    for (const frag of details.fragments.slice(first, last)) {
      const known = frag && !this.#withheld.has(this.#key(frag)) && this.#hashes.find(frag);
      if (known) segments.push(this.#hashes.segment(frag, known));
    }
    if (segments.length > 0) this.#session.playlist(rendition, details.live, segments);
  }

  /** The latest playlist of a fragment's rendition. */
  #playlistOf(frag: Fragment): LevelDetails | null {
    return this.#told.get(this.#hashes.rendition(frag.baseurl))?.details ?? null;
  }

  #key(frag: Fragment): string {
    return `${this.#hashes.rendition(frag.baseurl)}/${frag.sn}`;
  }
}

/** Which fragments to tell: all, or as many around the playhead; without one, the end of a live playlist. */
function windowOf(details: LevelDetails, position: number | undefined): [first: number, last: number] {
  const count = details.fragments.length;
  if (count <= WINDOW) return [0, count];
  const unknown = details.live ? count : 0;
  const at = position === undefined ? unknown : indexAt(details.fragments, position);
  const first = Math.min(Math.max(0, at - WINDOW / 4), count - WINDOW);
  return [first, first + WINDOW];
}

/** Whether the playhead has come so close to an end of the window that the next one is due. */
function isNear(details: LevelDetails, position: number, first: number, last: number): boolean {
  const count = details.fragments.length;
  if (count <= WINDOW) return false;
  const at = indexAt(details.fragments, position);
  const margin = WINDOW / 8;
  return (first > 0 && at < first + margin) || (last < count && at > last - margin);
}

/** Index of the first fragment that ends after a time; binary search, as a recording has thousands. */
function indexAt(fragments: readonly (Fragment | null)[], time: number): number {
  let low = 0;
  let high = fragments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const frag = fragments[middle];
    if (frag && frag.start + frag.duration <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function edge(details: LevelDetails): number {
  const last = details.fragments[details.fragments.length - 1];
  return last ? last.start + last.duration : 0;
}
