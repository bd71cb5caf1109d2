const EVENTS = ["timeupdate", "seeking", "seeked", "ratechange", "pause", "play", "playing", "waiting"];

/**
 * Where a media element is. It speaks only when the element does: no timer of its own.
 */
export class Playhead {
  readonly #moved: () => void;
  readonly #tolerance: () => number;
  readonly #goal: () => number | undefined;
  #media: HTMLMediaElement | null = null;
  #listeners: AbortController | null = null;

  /**
   * `moved` is called on every change; `tolerance` is the gap in seconds that the player jumps by itself;
   * `goal` is where playback is about to begin, undefined once it has begun, or if that is not known.
   */
  constructor(moved: () => void, tolerance: () => number, goal: () => number | undefined) {
    this.#moved = moved;
    this.#tolerance = tolerance;
    this.#goal = goal;
  }

  attach(media: HTMLMediaElement): void {
    this.detach();
    this.#media = media;
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    for (const type of EVENTS) media.addEventListener(type, this.#moved, { signal });
    this.#moved();
  }

  detach(): void {
    this.#listeners?.abort();
    this.#listeners = null;
    if (!this.#media) return;
    this.#media = null;
    this.#moved();
  }

  /** Milliseconds of media that can be played from here on; Infinity while nothing is played. */
  get ahead(): number {
    const { rate } = this;
    if (!this.#media || rate === 0) return Infinity;
    const end = this.#bufferedUntil();
    return end === undefined ? 0 : (1000 * (end - this.#media.currentTime)) / rate;
  }

  /** Seconds on the player's timeline; undefined without media, or where nothing is buffered. */
  get position(): number | undefined {
    return this.#bufferedUntil() === undefined ? undefined : this.#media?.currentTime;
  }

  /** The end of the range that is being played. */
  #bufferedUntil(): number | undefined {
    const media = this.#media;
    if (!media) return undefined;
    const { buffered, currentTime } = media;
    const tolerance = this.#tolerance();
    for (let i = 0; i < buffered.length; i += 1) {
      // As hls.js does: a little before a range is in it, its very end is not.
      if (currentTime + tolerance >= buffered.start(i) && currentTime < buffered.end(i)) return buffered.end(i);
    }
    return undefined;
  }

  /** Media seconds per second; 0 when paused, or without media. */
  get rate(): number {
    return this.#media && !this.#media.paused ? this.#media.playbackRate : 0;
  }

  /** Milliseconds until the playhead reaches a time; 0 where neither its position nor its goal is known. */
  until(time: number): number {
    const { position, rate } = this;
    const from = position ?? this.#goal();
    if (from === undefined) return 0;
    const ahead = 1000 * Math.max(0, time - from);
    // An element that has nothing to play yet, or is yet to come, is not one that somebody has paused.
    if (position === undefined) return ahead / (rate || 1);
    return rate > 0 ? ahead / rate : Infinity;
  }
}
