import { AskedHashes } from "./asked-hashes.js";
import type { SegmentBook } from "./asked-hashes.js";
import { sizeOf } from "./content-length.js";
import { digestOf } from "./digest.js";
import { GUESS } from "./known.js";
import type { Guess, Known } from "./known.js";
import { limit } from "./limit.js";
import type { Session } from "./session.js";
import { sha256 } from "./sha256.js";

/** Answers without a usable digest, in a row, after which no more are asked for. */
const MOST_FAILURES = 3;
const TIMEOUT_MS = 5_000;

/** Where digests come from. */
export interface DigestHost<T> {
  /** Whether it is a whole resource: a digest is of the whole. */
  isWhole(segment: T): boolean;
  /** Asks the CDN for the headers that a segment would come with. */
  head(segment: T, signal: AbortSignal): Promise<Response>;
}

/**
 * Hashes from the headers that segments come with, for streams whose publisher gives none in a playlist or a list. The
 * header of a segment that the player's loader has loaded shows whether this CDN sends it, and whether it is true; then
 * the hashes of the next segments are asked for by HEAD, ahead of need.
 */
export class Digests<T extends object> {
  readonly #session: Session;
  readonly #book: SegmentBook<T>;
  readonly #host: DigestHost<T>;
  readonly #guess: () => Guess;
  readonly #asked: AskedHashes<T>;
  #generation = new AbortController();
  #trusted = false;
  #failures = 0;

  /** `guess`: of this stream. */
  constructor(session: Session, book: SegmentBook<T>, host: DigestHost<T>, guess: () => Guess) {
    this.#session = session;
    this.#guess = guess;
    this.#book = book;
    this.#host = host;
    this.#asked = new AskedHashes(book, {
      isWorthIt: (segment) => this.isTrusted && session.wantsHashes && host.isWhole(segment),
      ask: (segment, signal) => this.#head(segment, signal),
    });
  }

  /** Another stream begins, or none. */
  reset(): void {
    this.#generation.abort();
    this.#generation = new AbortController();
    this.#asked.reset();
    this.#trusted = false;
    this.#failures = 0;
  }

  /**
   * A whole segment came, perhaps with a digest in its answer. If that is true, so are others of this CDN; if not, it
   * is of something else, perhaps of a compressed form. Null: there is no digest.
   */
  compare(segment: T, answer: unknown, data: ArrayBuffer): Promise<void> | null {
    // Nobody has signed a header.
    const mayCount = this.#session.options.publisherKeys === null && this.#session.wantsHashes;
    const digest = mayCount && this.#host.isWhole(segment) ? digestOf(answer) : null;
    return digest === null ? null : this.#compare(segment, digest, data);
  }

  /** Whether this CDN sends true digests, and sizes. */
  get isTrusted(): boolean {
    return this.#trusted && !this.#guess().wrong;
  }

  /** The player asks for a segment: the next ones are due soon. */
  ahead(segment: T): void {
    this.#asked.want(this.#book.after(segment));
  }

  /** An answer that is about to come for a segment, or null if none is on its way. */
  pending(segment: T): Promise<void> | null {
    return this.#asked.pending(segment);
  }

  async #compare(segment: T, digest: string, data: ArrayBuffer): Promise<void> {
    const { signal } = this.#generation;
    const isTrue = (await sha256(data)) === digest;
    if (signal.aborted) return;
    this.#trusted = isTrue;
    if (!isTrue) return;
    this.#book.learn(segment, { sha256: digest, root: null, bytes: data.byteLength });
    this.ahead(segment);
  }

  async #head(segment: T, signal: AbortSignal): Promise<Known | null> {
    const limited = limit(TIMEOUT_MS, signal);
    try {
      const known = this.#read(await this.#host.head(segment, limited.signal));
      if (!signal.aborted) this.#answered(known);
      return known;
    } catch {
      if (!signal.aborted) this.#answered(null);
      return null;
    } finally {
      limited.done();
    }
  }

  #read(answer: Response): Known | null {
    const [digest, bytes] = [digestOf(answer), sizeOf(answer)];
    return digest === null || bytes === null ? null : { sha256: digest, root: null, bytes, [GUESS]: this.#guess() };
  }

  #answered(known: Known | null): void {
    this.#failures = known ? 0 : this.#failures + 1;
    if (this.#failures >= MOST_FAILURES) this.#trusted = false;
  }
}
