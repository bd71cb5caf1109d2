/** So many loads in a row for which the CDN did not have the publisher's bytes, asked twice each, are not chance. */
const MOST_LOST = 3;

/**
 * What is left of the trust in a stream's CDN when its bytes do not match the publisher's hashes.
 *
 * One segment that does not match is never delivered, and the player gets an error. Several such loads in a row, with none
 * in between that matched, are the stream's: sharing ends, for there is nothing that could be shared. What the CDN brings
 * after that is compared as before.
 */
export class Distrust {
  #lost = 0;
  #ended = false;

  /** Whether what came last did not match. */
  get suspects(): boolean {
    return this.#lost > 0;
  }

  /** Whether sharing has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes matched their hash, whoever brought them. */
  matched(): void {
    this.#lost = 0;
  }

  /** A load was lost: twice the CDN's bytes did not match. True: with this one sharing ends. */
  lost(): boolean {
    this.#lost += 1;
    if (this.#ended || this.#lost < MOST_LOST) return false;
    this.#ended = true;
    return true;
  }

  /** Another stream. */
  reset(): void {
    this.#lost = 0;
    this.#ended = false;
  }
}
