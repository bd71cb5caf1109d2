import { parseReprDigest } from "./digest.js";
import type { HlsFeed } from "./hls-feed.js";
import { range } from "./hls-hashes.js";
import type { HlsHashes } from "./hls-hashes.js";
import type { Fragment } from "./hls-types.js";
import { limit } from "./limit.js";
import type { Session } from "./session.js";
import { sha256 } from "./sha256.js";

/** HEAD requests under way at once. */
const MOST_AT_ONCE = 3;
/** Segments after the last one requested whose hashes are asked for. */
const LOOK_AHEAD = 4;
/** Answers without a usable digest, in a row, after which no more are asked for. */
const MOST_FAILURES = 3;
const TIMEOUT_MS = 5_000;

/**
 * Hashes from `Repr-Digest` headers, for streams whose playlists have none. The header of a segment that
 * the player's loader has loaded shows whether this CDN sends it, and whether it is true; then the hashes
 * of the next few segments are asked for by HEAD, ahead of need.
 */
export class HlsDigests {
  readonly #session: Session;
  readonly #hashes: HlsHashes;
  readonly #feed: HlsFeed;
  readonly #ask: (frag: Fragment, signal: AbortSignal) => Promise<Response>;
  readonly #asked = new WeakMap<Fragment, Promise<void>>();
  readonly #queue: (() => void)[] = [];
  #generation = new AbortController();
  #trusted = false;
  #failures = 0;
  #running = 0;

  constructor(
    session: Session,
    hashes: HlsHashes,
    feed: HlsFeed,
    ask: (frag: Fragment, signal: AbortSignal) => Promise<Response>,
  ) {
    this.#session = session;
    this.#hashes = hashes;
    this.#feed = feed;
    this.#ask = ask;
  }

  /** Another stream begins, or none. */
  reset(): void {
    this.#generation.abort();
    this.#generation = new AbortController();
    this.#queue.length = 0;
    this.#trusted = false;
    this.#failures = 0;
  }

  /**
   * A whole segment came with a digest. If that is true, so are others of this CDN; if not, it is of something else,
   * perhaps of a compressed form.
   */
  async compare(frag: Fragment, digest: string, data: ArrayBuffer): Promise<void> {
    const { signal } = this.#generation;
    const same = (await sha256(data)) === digest;
    if (signal.aborted) return;
    if (!same) return this.#distrust();
    this.#trusted = true;
    this.#learn(frag, digest, data.byteLength);
    this.ahead(frag);
  }

  /** The player asks for a segment: the next ones are due soon. */
  ahead(frag: Fragment): void {
    const details = this.#isWorthIt() ? this.#feed.playlistOf(frag) : null;
    const sn = Number(frag.sn);
    for (const next of details?.fragments ?? []) {
      const after = next ? Number(next.sn) - sn : 0;
      if (next && after > 0 && after <= LOOK_AHEAD) this.#enqueue(next);
    }
  }

  /** An answer that is about to come for a fragment, or null if none is on its way. */
  pending(frag: Fragment): Promise<void> | null {
    if (!this.#isWorthIt()) return null;
    this.#enqueue(frag);
    return this.#asked.get(frag) ?? null;
  }

  #isWorthIt(): boolean {
    return this.#trusted && this.#session.wantsHashes;
  }

  #enqueue(frag: Fragment): void {
    if (this.#asked.has(frag) || this.#hashes.find(frag) || range(frag)) return;
    const { signal } = this.#generation;
    this.#asked.set(
      frag,
      new Promise((done) => {
        this.#queue.push(() => void this.#head(frag, signal).finally(done));
      }),
    );
    this.#pump();
  }

  #pump(): void {
    while (this.#running < MOST_AT_ONCE) {
      const next = this.#queue.shift();
      if (!next) return;
      next();
    }
  }

  async #head(frag: Fragment, signal: AbortSignal): Promise<void> {
    this.#running += 1;
    const limited = limit(TIMEOUT_MS, signal);
    try {
      const answer = await this.#ask(frag, limited.signal);
      if (!signal.aborted) this.#answered(frag, answer);
    } catch {
      if (!signal.aborted) this.#failed();
    } finally {
      limited.done();
      this.#running -= 1;
      this.#pump();
    }
  }

  #answered(frag: Fragment, answer: Response): void {
    const sha256 = answer.status === 200 ? parseReprDigest(answer.headers.get("repr-digest")) : null;
    const bytes = Number(answer.headers.get("content-length"));
    if (sha256 === null || !Number.isSafeInteger(bytes) || bytes < 1) return this.#failed();
    this.#failures = 0;
    this.#learn(frag, sha256, bytes);
  }

  #learn(frag: Fragment, sha256: string, bytes: number): void {
    this.#hashes.learn(frag, { sha256, root: null, bytes });
    this.#session.sawPlaylist(true);
    const details = this.#feed.playlistOf(frag);
    if (details) this.#feed.learned(details);
  }

  #failed(): void {
    this.#failures += 1;
    if (this.#failures >= MOST_FAILURES) this.#distrust();
  }

  #distrust(): void {
    this.#trusted = false;
    this.#queue.length = 0;
  }
}
