import { StatusError } from "./again.js";
import { ChunkCutter } from "./chunk-cutter.js";
import type { Chunk } from "./chunk-cutter.js";
import { kindOf } from "./dash-kind.js";
import type { DashOwner } from "./dash-loader.js";
import type { CommonMediaRequest, CommonMediaResponse, FragmentRequest } from "./dash-types.js";
import type { Chunked, Listed } from "./integrity-list.js";
import { ChunkSide } from "./dash-chunk-side.js";
import { fetchPart } from "./fetch-part.js";
import { toHex, trackOf } from "./known.js";
import { USUAL_LIMIT_MS } from "./limit.js";
import { sha256 } from "./sha256.js";
import { TransferTime } from "./transfer-time.js";

/** A chunk whose hash is not known is fetched from the CDN when the playhead is as near as this, in ms. */
const UNLISTED_DUE_MS = 1_200;
/** However far away the playhead is, and while it stands still, no longer than this is waited for a chunk's hash, in ms. */
const LONGEST_WAIT_MS = 4_000;
/** What a CDN says to a request for what is behind the last byte. */
const NOTHING_THERE = 416;

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
  /** How much dash.js has been given, in bytes. */
  #bytes = 0;
  /** The same in seconds, as far as the list has told, and what the latest listed chunk was of that. */
  #seconds = 0;
  #latest = 0;
  /** When it was given something last. */
  #at = performance.now();
  readonly #time = new TransferTime();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Ends the waiting for the list. */
  #forget: () => void = () => {};
  #over = false;

  constructor(owner: DashOwner, request: CommonMediaRequest, response: CommonMediaResponse) {
    this.#owner = owner;
    this.#request = request;
    this.#response = response;
    this.#fragment = request.customData.request;
  }

  start(): void {
    this.#request.customData.abort = () => this.#aborted();
    this.#watch();
    this.#next();
  }

  /** A segment may grow for longer than a request may be silent. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#late(), this.#request.timeout || USUAL_LIMIT_MS);
  }

  #next(): void {
    if (this.#over) return;
    const whole = this.#whole;
    // A segment that is listed only as a whole is as good as one chunk.
    const chunk = this.#chunk() ?? (this.#bytes === 0 ? whole : null);
    // Nothing of that can be handed on before all is there, whoever brings it.
    if (chunk && (chunk.offset === null || this.#owner.session.offReason() === null)) this.#byHash(chunk);
    else if (whole?.bytes === this.#bytes) this.#finish(new ArrayBuffer(0));
    else if (chunk || whole || !this.#awaitsList()) void this.#stream();
  }

  get #listed(): Chunked | null {
    return this.#owner.source.chunked(this.#request.url);
  }

  /** The chunk that is next, if it is listed. */
  #chunk(): Listed | null {
    return this.#listed?.chunks.find(({ offset }) => offset === this.#bytes) ?? null;
  }

  /** The segment, if it is listed as complete. */
  get #whole(): Listed | null {
    return this.#owner.source.find(this.#request.url, null, 0, this.#fragment.startTime);
  }

  /** The list will name the chunk, and there is time to wait for that. */
  #awaitsList(): boolean {
    const { playhead, source, session } = this.#owner;
    const longest = this.#at + LONGEST_WAIT_MS - performance.now();
    const spare = Math.min(longest, playhead.until(this.#position) - UNLISTED_DUE_MS);
    if (spare <= 0 || !source.byChunks || session.offReason() !== null) return false;
    const proceed = (): void => {
      this.#forget();
      this.#next();
    };
    const timer = setTimeout(proceed, spare);
    const forget = source.whenRead(proceed);
    this.#forget = () => {
      clearTimeout(timer);
      forget();
    };
    return true;
  }

  /** Where the next chunk begins on the player's timeline, in seconds. */
  get #position(): number {
    return this.#fragment.startTime + this.#seconds;
  }

  /** A listed chunk is about to be handed on, or fetched: what was unlisted before it has a length now. */
  #reach(chunk: Listed): number {
    const first = this.#listed?.chunks[0] ?? chunk;
    this.#seconds = chunk.start - first.start;
    return this.#position;
  }

  #byHash(chunk: Listed): void {
    const start = this.#reach(chunk);
    this.#owner.feed.requested(this.#track, chunk, start);
    const segment = this.#owner.feed.segment(this.#track, chunk, this.#request.url, start);
    this.#isWhole = chunk.offset === null;
    const side = new ChunkSide(this.#owner, this.#kind, segment, {
      taken: (data, ms, firstByteMs) => this.#taken(data, chunk.duration, ms, firstByteMs),
      failed: (status, message) => this.#failed(status, message),
      tookTooLong: () => this.#late(),
    });
    this.#side = side;
    side.load.start();
  }

  #taken(data: ArrayBuffer, seconds: number, ms: number, firstByteMs: number): void {
    this.#hand(data, seconds, ms, firstByteMs);
    if (this.#isWhole) return this.#finish(new ArrayBuffer(0));
    // Not from within the call that brought it.
    queueMicrotask(() => this.#next());
  }

  /** One more chunk for dash.js. */
  #hand(data: ArrayBuffer, seconds: number, ms: number, firstByteMs: number): void {
    if (this.#over) return;
    this.#time.add(data.byteLength, ms, firstByteMs);
    this.#bytes += data.byteLength;
    this.#seconds += seconds;
    this.#latest = seconds || this.#latest;
    this.#at = performance.now();
    this.#watch();
    this.#request.customData.onprogress?.({ data, lengthComputable: false, noTrace: true });
  }

  /** What is left, from the CDN, as it grows. */
  async #stream(): Promise<void> {
    const { feed, session, source } = this.#owner;
    const { url } = this.#request;
    const { signal } = (this.#abort = new AbortController());
    const cutter = new ChunkCutter();
    let firstByteMs = 0;
    const answered = (ms: number): void => void (firstByteMs = ms);
    feed.withholdAll(url);
    // What is missing may be listed by now; while the player is paused nobody else asks.
    void source.pending();
    try {
      for await (const bytes of fetchPart(this.#owner, { url, offset: this.#bytes, bytes: null, signal, answered })) {
        session.counters.received(bytes.byteLength);
        cutter.push(bytes, performance.now());
        for (let chunk = this.#cut(cutter); chunk; chunk = this.#cut(cutter)) {
          const wrong = await this.#streamed(chunk, firstByteMs);
          if (this.#over) return;
          if (wrong) return this.#byHash(wrong);
        }
      }
      this.#streamEnded(cutter.rest().data);
    } catch (error) {
      this.#streamFailed(error);
    } finally {
      feed.releaseAll(url);
    }
  }

  /** The list knows best where a chunk ends. */
  #cut(cutter: ChunkCutter): Chunk | null {
    return cutter.next(this.#chunk()?.bytes ?? null);
  }

  /** A chunk of the CDN's: for dash.js, unless it is known to be another one; then that is the answer. */
  async #streamed({ data, tookMs }: Chunk, firstByteMs: number): Promise<Listed | null> {
    const { feed, session } = this.#owner;
    const listed = this.#chunk();
    if (listed) {
      const segment = feed.segment(this.#track, listed, this.#request.url, this.#reach(listed));
      const matches = data.byteLength === listed.bytes && (await sha256(data)) === listed.sha256;
      if (this.#over) return null;
      if (!matches) {
        session.notices.mismatched(toHex(listed.sha256));
        return listed;
      }
      session.matched();
      session.offer(segment, data, { firstByteMs, transferMs: tookMs });
    }
    this.#played(data, listed, listed?.duration ?? 0);
    this.#hand(data, listed?.duration ?? 0, tookMs, firstByteMs);
    return null;
  }

  #streamEnded(rest: ArrayBuffer): void {
    if (this.#over) return;
    const missing = this.#chunk();
    // The list knows of more than the CDN has sent.
    if (missing) return this.#byHash(missing);
    if (this.#listed === null && this.#whole === null) this.#owner.source.lacks(this.#request.url);
    if (rest.byteLength > 0) this.#played(rest, null, 0);
    this.#finish(rest);
  }

  #streamFailed(error: unknown): void {
    const status = error instanceof StatusError ? error.status : 0;
    // All was there, and the list has not said so yet.
    if (status === NOTHING_THERE && this.#seconds + this.#latest / 2 > this.#fragment.duration) this.#finish(new ArrayBuffer(0));
    else this.#failed(status, String(error));
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
    return kindOf(this.#fragment.mediaType);
  }

  get #track(): number {
    return trackOf(this.#kind);
  }

  #finish(rest: ArrayBuffer): void {
    if (!this.#end()) return;
    const { customData, url } = this.#request;
    const total = this.#bytes + rest.byteLength;
    // The only report for the player's estimate: chunks are too small for one each.
    customData.onprogress?.({ loaded: total, total, lengthComputable: true, time: this.#time.of(total) });
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
    this.#forget();
    this.#abort.abort();
    this.#side?.end();
    return true;
  }
}
