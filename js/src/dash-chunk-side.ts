import { StatusError, loadAgain } from "./again.js";
import type { Loaded } from "./again.js";
import { ChunkCutter } from "./chunk-cutter.js";
import type { DashOwner } from "./dash-loader.js";
import { fetchPart } from "./fetch-part.js";
import type { Segment } from "./known.js";
import { USUAL_LIMIT_MS } from "./limit.js";
import type { SegmentFacts } from "./notices.js";
import { SegmentLoad } from "./segment-load.js";
import type { LoadSide } from "./segment-load.js";

/** What becomes of a chunk. */
export interface ChunkEnd {
  /** It is here and verified; `ms` is how long its transfer took, 0 where that tells nothing. */
  taken(data: ArrayBuffer, ms: number, firstByteMs: number): void;
  /** The CDN failed: HTTP status, 0 where there was none. */
  failed(status: number, message: string): void;
  tookTooLong(): void;
}

/** One chunk whose hash is known, by the engine or by a request for just these bytes. */
export class ChunkSide implements LoadSide {
  readonly facts: Omit<SegmentFacts, "bytes">;
  readonly load: SegmentLoad;
  readonly #owner: DashOwner;
  readonly #segment: Segment;
  readonly #end: ChunkEnd;
  readonly #abort = new AbortController();
  #transferMs = 0;

  constructor(owner: DashOwner, kind: "main" | "audio", segment: Segment, end: ChunkEnd) {
    this.facts = { kind, duration: segment.duration };
    this.#owner = owner;
    this.#segment = segment;
    this.#end = end;
    this.load = new SegmentLoad(owner.session, this);
  }

  /** Nothing is called any more. */
  end(): void {
    this.load.end();
    this.#abort.abort();
  }

  get rendition(): number {
    return this.#segment.rendition;
  }

  get sn(): number {
    return this.#segment.sn;
  }

  find(): Segment {
    return this.#segment;
  }

  pending(): null {
    return null;
  }

  late(): null {
    return null;
  }

  isAhead(): boolean {
    return false;
  }

  learn(): null {
    return null;
  }

  lead(): number {
    return this.#owner.playhead.until(this.#segment.start);
  }

  byPlayer(): void {
    const read = this.#read(this.#abort.signal);
    read.then(
      ({ data, timing }) => this.load.loaded(data, timing),
      (error: unknown) => {
        if (!this.load.isPlayers) return;
        this.load.lost(0);
        this.fail(error instanceof StatusError ? error.status : 0, String(error));
      },
    );
  }

  async again(signal: AbortSignal): Promise<Loaded> {
    const { url, offset, bytes } = this.#segment;
    const range = offset === null ? null : { offset, bytes };
    const { counters } = this.#owner.session;
    const prepare = (target: string, init: RequestInit): Request | Promise<Request> => this.#owner.prepare(target, init);
    const loaded = await loadAgain({ url, range, limitMs: USUAL_LIMIT_MS, counters, prepare }, signal);
    this.#transferMs = loaded.timing.transferMs;
    return loaded;
  }

  async #read(signal: AbortSignal): Promise<Loaded> {
    const { url, offset, bytes } = this.#segment;
    const cutter = new ChunkCutter();
    const begun = performance.now();
    let first = 0;
    try {
      for await (const part of fetchPart(this.#owner, { url, offset, bytes, signal })) {
        first ||= performance.now();
        cutter.push(part, performance.now());
      }
    } catch (error) {
      // What is complete is counted where it is taken.
      this.#owner.session.counters.received(cutter.rest().data.byteLength);
      throw error;
    }
    const { data, tookMs } = cutter.rest();
    this.#transferMs = tookMs;
    return { data, timing: { firstByteMs: (first || performance.now()) - begun, transferMs: tookMs } };
  }

  /** dash.js is told of the segment as a whole, when it has all of it. */
  progress(): void {}

  deliver(data: ArrayBuffer, rateBps: number | null, firstByteMs: number): void {
    const ms = rateBps ? (8000 * data.byteLength) / rateBps : this.#transferMs;
    this.#end.taken(data, ms, firstByteMs);
  }

  fail(status: number, message: string): void {
    this.#end.failed(status, message);
  }

  timeOut(): void {
    this.#end.tookTooLong();
  }
}
