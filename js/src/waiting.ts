import type { Segment } from "./known.js";
import type { Timing } from "./session.js";

const MOST_SEGMENTS = 6;
const MOST_BYTES = 16 * 1024 * 1024;

interface Kept {
  readonly segment: Segment;
  readonly data: ArrayBuffer;
  readonly timing: Timing;
}

/** Copies of verified segments that were loaded before there was an engine: the newest few, bounded. */
export class Waiting {
  #kept: Kept[] = [];

  /** Keeps a copy; `data` itself goes to a player that may detach it. */
  keep(segment: Segment, data: ArrayBuffer, timing: Timing): void {
    if (data.byteLength > MOST_BYTES) return;
    this.#kept.push({ segment, data: data.slice(0), timing });
    while (this.#kept.length > MOST_SEGMENTS || this.#bytes() > MOST_BYTES) this.#kept.shift();
  }

  /** Gives all away, oldest first. */
  drain(take: (segment: Segment, data: ArrayBuffer, timing: Timing) => void): void {
    const kept = this.#kept;
    this.clear();
    for (const { segment, data, timing } of kept) take(segment, data, timing);
  }

  clear(): void {
    this.#kept = [];
  }

  #bytes(): number {
    return this.#kept.reduce((sum, { data }) => sum + data.byteLength, 0);
  }
}
