import { pathOf } from "./integrity-list.js";
import type { IntegrityList, Listed } from "./integrity-list.js";
import type { Segment } from "./known.js";
import type { Playhead } from "./playhead.js";
import type { Session } from "./session.js";

/** Segments told at once; of a long recording, those around the latest request. */
const WINDOW = 400;
/** A timeline that moved by less is not told again, in seconds. */
const MOVED = 0.02;

interface Active {
  readonly name: string;
  /** The latest request's segment, by its place in the list as it was then. */
  readonly index: number;
  /** The player's timeline minus the list's, in seconds. */
  readonly shift: number;
}

/** Tells the engine what the list says of the representations that are being played, and where the playhead is. */
export class DashFeed {
  readonly #session: Session;
  readonly #playhead: Playhead;
  readonly #renditions = new Map<string, number>();
  readonly #withheld = new Set<string>();
  /** By how many requests. */
  readonly #withheldPaths = new Map<string, number>();
  /** By track. */
  readonly #active = new Map<number, Active>();
  #list: IntegrityList | null = null;

  constructor(session: Session, playhead: Playhead) {
    this.#session = session;
    this.#playhead = playhead;
  }

  /** Another stream begins. Rendition numbers stay as they are for the whole session. */
  reset(): void {
    this.#active.clear();
    this.#list = null;
  }

  /** A representation's number, stable for the session. */
  rendition(name: string): number {
    const known = this.#renditions.get(name);
    if (known !== undefined) return known;
    const next = this.#renditions.size;
    this.#renditions.set(name, next);
    return next;
  }

  /** The list was read again. */
  updated(list: IntegrityList): void {
    this.#list = list;
    this.#session.sawPlaylist([...list.representations.values()].some((segments) => segments.length > 0));
    this.#tellAll();
  }

  /** The player asks for a listed segment, at a place on its own timeline. */
  requested(track: number, listed: Listed, start: number): void {
    const before = this.#active.get(track);
    const all = this.#segments(listed.representation);
    const now = { name: listed.representation, index: all.findIndex(({ number }) => number === listed.number), shift: start - listed.start };
    const same = before?.name === now.name && Math.abs(before.shift - now.shift) <= MOVED;
    // A list that fits into one window was told as a whole.
    const near = all.length <= WINDOW || Math.abs((before?.index ?? -WINDOW) - now.index) <= WINDOW / 4;
    if (same && near) return;
    this.#active.set(track, now);
    this.#tell(track, now);
  }

  /** The player's loader is at it: an engine that hears of it now would fetch it a second time. */
  withhold(listed: Listed): void {
    this.#withheld.add(key(listed));
  }

  /** The player's loader is done with it. */
  release(listed: Listed): void {
    this.#withheld.delete(key(listed));
  }

  /** The same for all chunks at a URL, also those that no list names yet. */
  withholdAll(url: string): void {
    const path = pathOf(url);
    this.#withheldPaths.set(path, (this.#withheldPaths.get(path) ?? 0) + 1);
  }

  releaseAll(url: string): void {
    const path = pathOf(url);
    const others = (this.#withheldPaths.get(path) ?? 1) - 1;
    if (others > 0) this.#withheldPaths.set(path, others);
    else this.#withheldPaths.delete(path);
  }

  moved(): void {
    const { position, rate } = this.#playhead;
    this.#session.playhead(position, rate);
  }

  /** Everything again, for a new engine. */
  replay(): void {
    this.#tellAll();
    this.moved();
  }

  /** As the engine takes it: `url` and `start` as the player has them. */
  segment(track: number, listed: Listed, url: string, start: number): Segment {
    const { bytes, duration, number: sn, offset, root, sha256 } = listed;
    const rendition = this.rendition(listed.representation);
    return { bytes, duration, offset, rendition, root, sha256, sn, start, track, url };
  }

  #tellAll(): void {
    for (const [track, active] of this.#active) this.#tell(track, active);
  }

  #segments(name: string): readonly Listed[] {
    return this.#list?.representations.get(name) ?? [];
  }

  #isWithheld(listed: Listed): boolean {
    if (this.#withheldPaths.size > 0 && this.#withheldPaths.has(pathOf(listed.url))) return true;
    return this.#withheld.has(key(listed));
  }

  #tell(track: number, { name, index, shift }: Active): void {
    const list = this.#list;
    const all = this.#segments(name);
    const first = Math.max(0, Math.min(index - WINDOW / 4, all.length - WINDOW));
    const told = all.slice(first, first + WINDOW).filter((listed) => !this.#isWithheld(listed));
    const segments = told.map((listed) => this.segment(track, listed, listed.url, listed.start + shift));
    if (list && segments.length > 0) this.#session.playlist(this.rendition(name), list.live, segments);
  }
}

function key({ representation, number, sha256 }: Listed): string {
  return `${representation} ${number} ${sha256}`;
}
