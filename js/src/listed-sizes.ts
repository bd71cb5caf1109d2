import type { HashSource } from "./asked-hashes.js";
import { sizeOf } from "./content-length.js";
import { GUESS } from "./known.js";
import type { Guess, Known } from "./known.js";
import { limit } from "./limit.js";

const TIMEOUT_MS = 5_000;

/** What a player's side says of segments whose list names their hashes alone. */
export interface NamedHost<T> {
  /** SHA-256, base64url, of a whole resource; null: no list names it. */
  named(segment: T): string | null;
  /** Asks the CDN for the headers that a segment would come with. */
  head(segment: T, signal: AbortSignal): Promise<Response>;
  /** Of this stream. */
  guess(): Guess;
}

/** Sizes from the CDN for hashes from a list without sizes (PeerTube's). The first that is wrong is the last one asked for. */
export class ListedSizes<T> implements HashSource<T> {
  readonly #host: NamedHost<T>;

  constructor(host: NamedHost<T>) {
    this.#host = host;
  }

  isWorthIt(segment: T): boolean {
    return !this.#host.guess().wrong && this.#host.named(segment) !== null;
  }

  async ask(segment: T, parent: AbortSignal): Promise<Known | null> {
    const sha256 = this.#host.named(segment);
    if (sha256 === null) return null;
    const limited = limit(TIMEOUT_MS, parent);
    try {
      const answer = await this.#host.head(segment, limited.signal);
      const bytes = answer.ok ? sizeOf(answer) : null;
      return bytes === null ? null : { sha256, root: null, bytes, [GUESS]: this.#host.guess() };
    } catch {
      return null;
    } finally {
      limited.done();
    }
  }
}
