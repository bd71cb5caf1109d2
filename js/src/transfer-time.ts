/**
 * How long a segment took to come, waiting left out, from what its chunks tell. A small chunk often comes all at once:
 * it then tells nothing, and counts with the rate of the others.
 */
export class TransferTime {
  #timedBytes = 0;
  #timedMs = 0;
  #untimedMs = 0;

  /** A chunk came in `ms`; 0: at once, after the CDN, or whoever it was, took `firstByteMs` to answer. */
  add(bytes: number, ms: number, firstByteMs: number): void {
    if (ms > 0) {
      this.#timedBytes += bytes;
      this.#timedMs += ms;
    } else {
      this.#untimedMs += firstByteMs;
    }
  }

  /** For a segment of `bytes` bytes, in ms. If no chunk tells, each took no longer than its answer. */
  of(bytes: number): number {
    const ms = this.#timedBytes > 0 ? (this.#timedMs * bytes) / this.#timedBytes : this.#untimedMs;
    return Math.max(1, ms);
  }
}
