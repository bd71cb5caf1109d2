/** Longer than this no load waits for one attempt to make an engine, in ms. */
const LONGEST_MS = 1_500;
/**
 * The attempt begins with the first picture, which may need what waits: hls.js holds sound back until there is video before
 * and after it. If the picture does not come so soon after the first segment, and the media element has nothing that it could
 * show, nothing waits for it any more, in ms.
 */
const UNSEEN_MS = 150;
/** If it has, it mostly is the processor that keeps the picture back; one that takes longer is too busy to gamble with. Chosen, in ms. */
const DECODING_MS = 300;

/** Loads that wait for an engine that is on its way. */
export class Arrival {
  readonly #waiting = new Set<() => void>();
  #until = 0;
  #most = 0;

  /** The first segment is there, and a picture is to be expected. */
  expectPicture(): void {
    const now = performance.now();
    this.#until = now + UNSEEN_MS;
    this.#most = now + DECODING_MS;
  }

  /** An attempt to make an engine begins. */
  expect(): void {
    this.#until = this.#most = performance.now() + LONGEST_MS;
  }

  /**
   * How long it is still worth waiting for, in ms; 0: not at all. `ahead`: media that the element has ahead, in ms, Infinity
   * while nothing is played.
   */
  left(ahead: number): number {
    const until = ahead > 0 && ahead < Infinity ? this.#most : this.#until;
    return Math.max(0, until - performance.now());
  }

  /** `proceed` is called when it is over; the answer takes that back. */
  wait(proceed: () => void): () => void {
    this.#waiting.add(proceed);
    return () => this.#waiting.delete(proceed);
  }

  /** The engine is there, or will not come. */
  over(): void {
    this.#until = this.#most = 0;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const proceed of waiting) proceed();
  }
}
