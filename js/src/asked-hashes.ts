import type { Known } from "./known.js";

/** Questions under way at once. */
const MOST_AT_ONCE = 3;

/** Where the hash of one segment can be asked for. */
export interface HashSource<T> {
  /** Whether the question is worth it now; asked again right before. */
  isWorthIt(segment: T): boolean;
  /** The segment's hash; null: there is none, or it could not be had. Never rejects. */
  ask(segment: T, signal: AbortSignal): Promise<Known | null>;
}

/** What a player's side says of its segments. */
export interface SegmentBook<T> {
  /** Whether its hash is known. */
  has(segment: T): boolean;
  /** Those that are due soon after it, as far as they are known. */
  after(segment: T): readonly T[];
  /** A hash that came by another way than a playlist or a list. */
  learn(segment: T, known: Known): void;
}

/** Hashes that are asked for segment by segment: each question once, a few at a time. */
export class AskedHashes<T extends object> {
  readonly #book: SegmentBook<T>;
  readonly #source: HashSource<T>;
  /** The answer that is on its way; null: it was there. */
  readonly #asked = new WeakMap<T, Promise<void> | null>();
  readonly #queue: (() => void)[] = [];
  #generation = new AbortController();
  #running = 0;

  constructor(book: SegmentBook<T>, source: HashSource<T>) {
    this.#book = book;
    this.#source = source;
  }

  /** Another stream begins, or none. */
  reset(): void {
    this.#generation.abort();
    this.#generation = new AbortController();
  }

  /** Asks for what nobody knows. */
  want(segments: readonly T[]): void {
    for (const segment of segments) this.#enqueue(segment);
  }

  /** An answer that is about to come for a segment, or null if none is on its way. */
  pending(segment: T): Promise<void> | null {
    this.#enqueue(segment);
    return this.#asked.get(segment) ?? null;
  }

  #enqueue(segment: T): void {
    if (this.#asked.has(segment) || this.#book.has(segment) || !this.#source.isWorthIt(segment)) return;
    const { signal } = this.#generation;
    const answer = new Promise<void>((done) => {
      this.#queue.push(() => void this.#ask(segment, signal).finally(done));
    });
    this.#asked.set(segment, answer);
    this.#pump();
  }

  #pump(): void {
    while (this.#running < MOST_AT_ONCE) {
      const next = this.#queue.shift();
      if (!next) return;
      next();
    }
  }

  async #ask(segment: T, signal: AbortSignal): Promise<void> {
    this.#running += 1;
    const isWorthIt = !signal.aborted && this.#source.isWorthIt(segment);
    const known = isWorthIt ? await this.#source.ask(segment, signal) : null;
    this.#running -= 1;
    this.#asked.set(segment, null);
    // What the publisher's own list said meanwhile counts for more.
    if (known && !signal.aborted && !this.#book.has(segment)) this.#book.learn(segment, known);
    this.#pump();
  }
}
