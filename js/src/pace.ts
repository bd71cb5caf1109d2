import type { Timing } from "./session.js";

/** What a load keeps in hand beyond twice the time that the CDN took before, in ms. */
const GUARD_MS = 700;

/** How long a smaller segment takes says little of how fast a line is, in bytes. */
const TELLING_BYTES = 16 * 1024;

/** How fast the CDN has answered the player's loader. */
export class Pace {
  #bytes = 0;
  #firstByteMs = 0;
  #transferMs = 0;

  /** A whole segment came. The largest tells most. */
  saw(bytes: number, { firstByteMs, transferMs }: Timing): void {
    if (bytes < this.#bytes) return;
    this.#bytes = bytes;
    this.#firstByteMs = Math.max(0, firstByteMs);
    this.#transferMs = Math.max(0, transferMs);
  }

  /** How long the CDN would take for so many bytes, in ms; 0 while that is not known. */
  takes(bytes: number): number {
    if (this.#bytes < TELLING_BYTES) return 0;
    return this.#firstByteMs + this.#transferMs * (bytes / this.#bytes);
  }

  /** The largest segment so far, in bytes. */
  get largest(): number {
    return this.#bytes;
  }

  /** How long before it is due a load of `bytes` bytes must begin, in ms; Infinity while nothing is known. */
  needs(bytes: number): number {
    if (this.#bytes === 0) return Infinity;
    const transferMs = this.#transferMs * Math.max(1, bytes / this.#bytes);
    return 2 * (this.#firstByteMs + transferMs) + GUARD_MS;
  }
}
