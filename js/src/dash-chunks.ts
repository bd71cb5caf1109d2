import { StatusError } from "./again.js";
import { ChunkCutter } from "./chunk-cutter.js";
import type { DashOwner } from "./dash-loader.js";
import type { CommonMediaRequest, CommonMediaResponse, FragmentRequest } from "./dash-types.js";
import type { Listed } from "./integrity-list.js";
import { ChunkSide } from "./dash-chunk-side.js";
import { fetchPart } from "./fetch-part.js";
import { toHex } from "./known.js";
import { sha256 } from "./sha256.js";

/** A chunk whose hash is not known is fetched from the CDN when the playhead is as near as this, in ms. */
const UNLISTED_DUE_MS = 1_200;
/** A request of the player that takes longer than this has failed, where the player itself sets no limit, in ms. */
const TIMEOUT_MS = 30_000;

/**
 * One request of dash.js for a segment that may still grow. Its chunks go to dash.js one after the other: those that the
 * integrity list names by the engine, each verified; if the list is late, the rest comes from the CDN as it grows.
 */
export class DashChunks {
  readonly #owner: DashOwner;
  readonly #request: CommonMediaRequest;
  readonly #response: CommonMediaResponse;
  readonly #fragment: FragmentRequest;
  #abort = new AbortController();
  #side: ChunkSide | null = null;
  /** The segment was listed as a whole, and came so. */
  #isWhole = false;
  /** How much dash.js has been given, in bytes and in seconds. */
  #bytes = 0;
  #seconds = 0;
  /** How long the transfers took, waiting left out, in ms. */
  #transferMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(owner: DashOwner, request: CommonMediaRequest, response: CommonMediaResponse) {
    this.#owner = owner;
    this.#request = request;
    this.#response = response;
    this.#fragment = request.customData.request;
  }

  start(): void {
    this.#request.customData.abort = () => this.#aborted();
    this.#timer = setTimeout(() => this.#late(), this.#request.timeout || TIMEOUT_MS);
    this.#next();
  }

  #next(): void {
    if (this.#over) return;
    const { source, session } = this.#owner;
    const { url } = this.#request;
    const listed = source.chunked(url);
    // A segment that is listed as a whole is as good as one chunk.
    const chunk = listed?.chunks.find(({ offset }) => offset === this.#bytes) ?? this.#whole();
    if (chunk && session.offReason() === null) this.#byHash(chunk);
    else if (this.#bytes > 0 && listed?.bytes === this.#bytes) this.#finish(new ArrayBuffer(0));
    else if (chunk || !this.#awaitsList()) void this.#stream();
  }

  #whole(): Listed | null {
    return this.#bytes === 0 ? this.#owner.source.find(this.#request.url, null, 0, this.#fragment.startTime) : null;
  }

  /** The list will name the chunk, and there is time to wait for that. */
  #awaitsList(): boolean {
    const { playhead, source, session } = this.#owner;
    const spare = playhead.until(this.#position) - UNLISTED_DUE_MS;
    if (spare <= 0 || !source.byChunks || session.offReason() !== null) return false;
    let waiting = true;
    const proceed = (): void => {
      if (!waiting) return;
      waiting = false;
      clearTimeout(timer);
      this.#next();
    };
    const timer = setTimeout(proceed, Math.min(spare, TIMEOUT_MS));
    void source.next().then(proceed);
    return true;
  }

  /** Where the next chunk begins on the player's timeline, in seconds. */
  get #position(): number {
    return this.#fragment.startTime + this.#seconds;
  }

  #byHash(chunk: Listed): void {
    const start = this.#position;
    this.#owner.feed.requested(this.#fragment.mediaType ?? "", chunk, start);
    const segment = this.#owner.feed.segment(chunk, this.#request.url, start);
    this.#isWhole = chunk.offset === null;
    const side = new ChunkSide(this.#owner, this.#kind, segment, {
      taken: (data, ms) => this.#taken(data, chunk.duration, ms),
      failed: (status, message) => this.#failed(status, message),
      tookTooLong: () => this.#late(),
    });
    this.#side = side;
    side.load.start();
  }

  #taken(data: ArrayBuffer, seconds: number, ms: number): void {
    this.#hand(data, seconds, ms);
    if (this.#isWhole) return this.#finish(new ArrayBuffer(0));
    // Not from within the call that brought it.
    queueMicrotask(() => this.#next());
  }

  /** One more chunk for dash.js. */
  #hand(data: ArrayBuffer, seconds: number, ms: number): void {
    if (this.#over) return;
    this.#bytes += data.byteLength;
    this.#seconds += seconds;
    this.#transferMs += Math.max(1, ms);
    this.#request.customData.onprogress?.({ data, lengthComputable: false, noTrace: true });
  }

  /** What is left, from the CDN, as it grows. */
  async #stream(): Promise<void> {
    const { feed, session, source } = this.#owner;
    const { url } = this.#request;
    const { signal } = (this.#abort = new AbortController());
    const cutter = new ChunkCutter();
    feed.withholdAll(url);
    try {
      for await (const bytes of fetchPart(this.#owner, { url, offset: this.#bytes, bytes: null, signal })) {
        session.counters.received(bytes.byteLength);
        for (const { data, tookMs } of cutter.push(bytes, performance.now())) {
          const wrong = await this.#streamed(data, tookMs);
          if (wrong) return this.#byHash(wrong);
        }
      }
      if (source.chunked(url) === null) source.lacks(url);
      const rest = cutter.rest();
      if (rest.byteLength > 0) this.#played(rest, null, 0);
      this.#finish(rest);
    } catch (error) {
      this.#failed(error instanceof StatusError ? error.status : 0, String(error));
    } finally {
      feed.releaseAll(url);
    }
  }

  /** A chunk of the CDN's: for dash.js, unless it is known to be another one; then that is the answer. */
  async #streamed(data: ArrayBuffer, tookMs: number): Promise<Listed | null> {
    const { feed, session, source } = this.#owner;
    const { url } = this.#request;
    const listed = source.chunked(url)?.chunks.find(({ offset }) => offset === this.#bytes) ?? null;
    if (listed) {
      const matches = data.byteLength === listed.bytes && (await sha256(data)) === listed.sha256;
      if (this.#over) return null;
      if (!matches) {
        session.notices.mismatched(toHex(listed.sha256));
        return listed;
      }
      session.offer(feed.segment(listed, url, this.#position), data, { firstByteMs: 0, transferMs: tookMs });
    }
    this.#played(data, listed, listed?.duration ?? 0);
    this.#hand(data, listed?.duration ?? 0, tookMs);
    return null;
  }

  /** Tells of what the player gets without the engine. */
  #played({ byteLength: bytes }: ArrayBuffer, listed: Listed | null, duration: number): void {
    const { feed, session } = this.#owner;
    const rendition = listed ? feed.rendition(listed.representation) : -1;
    const sn = listed?.number ?? this.#fragment.index;
    const hash = listed && toHex(listed.sha256);
    session.notices.played({ hash, sn, rendition, kind: this.#kind, bytes, duration });
    session.delivered(bytes);
  }

  get #kind(): "main" | "audio" {
    return this.#fragment.mediaType === "audio" ? "audio" : "main";
  }

  #finish(rest: ArrayBuffer): void {
    if (!this.#end()) return;
    const { customData, url } = this.#request;
    const total = this.#bytes + rest.byteLength;
    // The only report for the player's estimate: chunks are too small for one each.
    customData.onprogress?.({ loaded: total, total, lengthComputable: true, time: Math.max(1, this.#transferMs) });
    Object.assign(this.#response, { url, status: 200, statusText: "OK", headers: {}, data: rest });
    customData.onloadend?.();
  }

  #failed(status: number, message: string): void {
    if (!this.#end()) return;
    const { customData, url } = this.#request;
    Object.assign(this.#response, { url, status, statusText: message, headers: {}, data: undefined });
    customData.onloadend?.();
  }

  #late(): void {
    if (!this.#over) this.#request.customData.ontimeout?.({ lengthComputable: false });
    this.#failed(0, "timeout");
  }

  #aborted(): void {
    if (this.#end()) this.#request.customData.onabort?.();
  }

  /** False: it has ended before. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#side?.end();
    return true;
  }
}
