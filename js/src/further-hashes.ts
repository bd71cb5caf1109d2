import { AskedHashes } from "./asked-hashes.js";
import type { SegmentBook } from "./asked-hashes.js";
import { CallbackHashes } from "./callback-hashes.js";
import { Digests } from "./digests.js";
import type { DigestHost } from "./digests.js";
import type { Session } from "./session.js";
import type { UnlistedSegment } from "./types.js";

/** What a player's side brings for hashes that have to be asked for. */
export interface FurtherHost<T> extends DigestHost<T> {
  /** A segment as the application is told of it. */
  view(segment: T): UnlistedSegment;
}

/**
 * Where hashes come from that neither playlist nor list has, in the order in which they count: the CDN's digests, then
 * the application's callback.
 */
export class FurtherHashes<T extends object> {
  readonly #book: SegmentBook<T>;
  readonly #digests: Digests<T>;
  readonly #callback: AskedHashes<T>;

  constructor(session: Session, book: SegmentBook<T>, host: FurtherHost<T>) {
    this.#book = book;
    this.#digests = new Digests(session, book, host);
    this.#callback = new AskedHashes(book, new CallbackHashes<T>(session, (segment) => host.view(segment)));
  }

  /** Another stream begins, or none. */
  reset(): void {
    this.#digests.reset();
    this.#callback.reset();
  }

  /** The player asks for a segment: the next ones are due soon. */
  ahead(segment: T): void {
    if (this.#digests.isTrusted) this.#digests.ahead(segment);
    else this.#callback.want(this.#book.after(segment));
  }

  /** An answer that is about to come for a segment, or null if there is nobody left to ask. */
  pending(segment: T): Promise<void> | null {
    return this.#digests.pending(segment) ?? this.#callback.pending(segment);
  }

  /** The player's loader is at it, without a hash: one that comes before the bytes is still of use. */
  unknown(segment: T): void {
    if (!this.#digests.isTrusted) this.#callback.want([segment]);
  }

  /** A whole segment came; null: nothing in its answer says what it should be. */
  compare(segment: T, answer: unknown, data: ArrayBuffer): Promise<void> | null {
    return this.#digests.compare(segment, answer, data);
  }
}
