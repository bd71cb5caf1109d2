import { AskedHashes } from "./asked-hashes.js";
import type { SegmentBook } from "./asked-hashes.js";
import { CallbackHashes } from "./callback-hashes.js";
import { Digests } from "./digests.js";
import type { DigestHost } from "./digests.js";
import type { Guess } from "./known.js";
import { ListedSizes } from "./listed-sizes.js";
import type { Session } from "./session.js";
import type { UnlistedSegment } from "./types.js";

/** What a player's side brings for hashes that have to be asked for. */
export interface FurtherHost<T> extends DigestHost<T> {
  /** A segment as the application is told of it. */
  view(segment: T): UnlistedSegment;
  /** SHA-256, base64url, of a whole resource, by a list that does not say its size; null: none does. */
  named?(segment: T): string | null;
}

/**
 * Where hashes come from that neither playlist nor list has whole, in the order in which they count: a list without sizes,
 * the CDN's digests, then the application's callback.
 */
export class FurtherHashes<T extends object> {
  readonly #book: SegmentBook<T>;
  readonly #sizes: AskedHashes<T>;
  readonly #digests: Digests<T>;
  readonly #callback: AskedHashes<T>;
  #guess: Guess = { wrong: false };

  constructor(session: Session, book: SegmentBook<T>, host: FurtherHost<T>) {
    this.#book = book;
    const named = (segment: T): string | null => (session.wantsHashes ? (host.named?.(segment) ?? null) : null);
    const head = (segment: T, signal: AbortSignal): Promise<Response> => host.head(segment, signal);
    this.#sizes = new AskedHashes(book, new ListedSizes<T>({ named, head, guess: () => this.#guess }));
    this.#digests = new Digests(session, book, host, () => this.#guess);
    this.#callback = new AskedHashes(book, new CallbackHashes<T>(session, (segment) => host.view(segment)));
  }

  /** Another stream begins, or none. */
  reset(): void {
    this.#guess = { wrong: false };
    this.#sizes.reset();
    this.#digests.reset();
    this.#callback.reset();
  }

  /** The player asks for a segment: the next ones are due soon. */
  ahead(segment: T): void {
    this.#sizes.want(this.#book.after(segment));
    if (this.#digests.isTrusted) this.#digests.ahead(segment);
    else this.#callback.want(this.#book.after(segment));
  }

  /** An answer that is about to come for a segment, or null if there is nobody left to ask. */
  pending(segment: T): Promise<void> | null {
    return this.#sizes.pending(segment) ?? this.#digests.pending(segment) ?? this.#callback.pending(segment);
  }

  /** The player's loader is at it, without a hash: one that comes before the bytes is still of use. */
  unknown(segment: T): void {
    if (!this.#digests.isTrusted) this.#callback.want([segment]);
  }

  /**
   * A whole segment came for which neither playlist nor list has a hash; null: nothing in its answer says what it should be,
   * or nothing new. Also where the callback has told its hash: digests count for more, and this is how they are found out.
   */
  compare(segment: T, answer: unknown, data: ArrayBuffer): Promise<void> | null {
    if (this.#digests.isTrusted && this.#book.has(segment)) return null;
    return this.#digests.compare(segment, answer, data);
  }
}
