import { loadAgain } from "./again.js";
import type { Loaded } from "./again.js";
import { range } from "./hls-hashes.js";
import type { LoaderOwner } from "./hls-loader.js";
import type {
  FragmentContext,
  FragmentLoader,
  HlsConfig,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderResponse,
  LoaderStats,
} from "./hls-types.js";
import type { Segment } from "./known.js";
import type { SegmentFacts } from "./notices.js";
import { MOST_AHEAD_MS, SegmentLoad } from "./segment-load.js";
import type { LoadSide } from "./segment-load.js";
import type { Timing } from "./session.js";

/** What hls.js hands over with a request. */
export interface HlsRequest {
  readonly context: FragmentContext;
  readonly settings: LoaderConfiguration;
  readonly callbacks: LoaderCallbacks;
}

/**
 * One request of hls.js. The player's own loader is always at hand: its `stats` is the object that hls.js sees,
 * whoever loads. At most one of onSuccess, onError, onTimeout is called, once, and nothing after `abort` or `end`;
 * hls.js ends the request from inside each of them.
 */
export class HlsLoad implements LoadSide {
  readonly facts: Omit<SegmentFacts, "bytes"> | null;
  readonly #owner: LoaderOwner;
  readonly #config: HlsConfig;
  readonly #player: FragmentLoader;
  readonly #context: FragmentContext;
  readonly #settings: LoaderConfiguration;
  readonly #stats: LoaderStats;
  readonly #load: SegmentLoad;
  readonly #begun = performance.now();
  #callbacks: LoaderCallbacks | null;
  #segment: Segment | null = null;
  /** What the player's own loader brought. */
  #answer: { readonly response: LoaderResponse; readonly details: unknown } | null = null;
  /** Whether hls.js gets no pieces from the player's own loader. */
  #held = false;

  constructor(owner: LoaderOwner, config: HlsConfig, player: FragmentLoader, request: HlsRequest) {
    this.#owner = owner;
    this.#config = config;
    this.#player = player;
    this.#stats = player.stats;
    this.#context = request.context;
    this.#settings = request.settings;
    this.#callbacks = request.callbacks;
    this.facts = factsOf(request.context);
    this.#load = new SegmentLoad(owner.session, this);
  }

  start(): void {
    if (this.facts) {
      this.#owner.contexts.add(this.#context);
      this.#owner.feed.asked(this.#context.frag);
    }
    this.#load.start();
    // After it, for what is asked for now is more urgent.
    if (this.facts) this.#owner.further.ahead(this.#context.frag);
  }

  abort(): void {
    if (this.#load.isPlayers) return this.#player.abort();
    const callbacks = this.#settled();
    if (!callbacks) return;
    this.#stats.aborted = true;
    callbacks.onAbort?.(this.#stats, this.#context, null);
  }

  /** Nothing is called any more. */
  end(): void {
    this.#settled();
  }

  get rendition(): number {
    return this.#owner.hashes.rendition(this.#context.frag.baseurl);
  }

  get sn(): number {
    return Number(this.#context.frag.sn);
  }

  find(bytes?: number): Segment | null {
    const { frag, url } = this.#context;
    const known = this.facts ? this.#owner.known(frag, bytes) : null;
    this.#segment = known && this.#owner.hashes.segment(frag, known, url);
    return this.#segment;
  }

  pending(): Promise<void> | null {
    if (!this.facts) return null;
    const { further, hashes, source } = this.#owner;
    const { frag } = this.#context;
    const list = this.#owner.named(frag) === null ? source.pending() : null;
    return hashes.pending(frag) ?? list ?? further.pending(frag);
  }

  late(): Promise<void> | null {
    return this.facts && this.#owner.source.next();
  }

  /** Playlists and lists of hls.js have no time line in common. */
  isAhead(): boolean {
    return false;
  }

  learn(data: ArrayBuffer): Promise<void> | null {
    const { frag } = this.#context;
    if (!this.facts || this.#owner.hashes.published(frag)) return null;
    return this.#owner.further.compare(frag, this.#answer?.details, data);
  }

  lead(): number {
    return this.#owner.playhead.until(this.#context.frag.start);
  }

  /**
   * hls.js abandons a request that seems slow. One that waits on purpose has not begun, so it begins in
   * the future, until bytes are urgent; at start-up and after a seek they are from the outset.
   */
  waits(): void {
    this.#reset(this.lead() > 0 ? Infinity : this.#begun, this.#segment?.bytes ?? 0);
  }

  byPlayer(): void {
    // Pieces of something that is yet to be verified go nowhere.
    this.#held = this.#segment !== null;
    if (this.facts) this.#owner.feed.withhold(this.#context.frag);
    if (this.facts && !this.#segment) this.#unknown();
    // hls.js's loaders refuse to be used twice, and see it by this.
    this.#reset(0, 0);
    this.#player.load(this.#context, this.#settings, this.#playerCallbacks());
  }

  #unknown(): void {
    const { further, source } = this.#owner;
    const { frag, url } = this.#context;
    if (this.#owner.named(frag) === null) source.lacks(url);
    further.unknown(frag);
  }

  again(signal: AbortSignal): Promise<Loaded> | null {
    const { mayFetch, session } = this.#owner;
    if (!mayFetch) return null;
    const { frag, url } = this.#context;
    const part = range(frag);
    this.#answer = null;
    this.#reset(performance.now(), 0);
    const what = {
      url,
      range: part && { offset: part.start, bytes: part.length },
      limitMs: this.#settings.loadPolicy.maxLoadTimeMs ?? MOST_AHEAD_MS,
      counters: session.counters,
      prepare: (url: string, init: RequestInit) => this.#owner.prepare(url, init),
    };
    return loadAgain(what, signal);
  }

  progress(loaded: number, total: number, activeMs: number): void {
    const { loading } = Object.assign(this.#stats, { loaded, total });
    loading.start = loading.first = performance.now() - activeMs;
  }

  deliver(data: ArrayBuffer, rateBps: number | null, firstByteMs: number): void {
    if (rateBps !== null) this.#backdate(data.byteLength, rateBps, firstByteMs);
    const { response, details } = this.#answer ?? { response: { url: this.#context.url, data, code: 200 }, details: null };
    this.#succeed({ ...response, data }, details, rateBps !== null || this.#held);
  }

  fail(status: number, message: string): void {
    this.#settled()?.onError({ code: status, text: message }, this.#context, null, this.#stats);
  }

  timeOut(): void {
    this.#settled()?.onTimeout(this.#stats, this.#context, null);
  }

  /** Ends whatever goes on, and gives the callbacks to whoever may call one of them. */
  #settled(): LoaderCallbacks | null {
    const callbacks = this.#callbacks;
    if (!callbacks) return null;
    this.#callbacks = null;
    if (this.#load.isPlayers) this.#load.lost(this.#stats.loaded);
    else this.#load.end();
    if (this.#stats.loading.start === Infinity) this.#stats.loading.start = this.#begun;
    this.#owner.contexts.delete(this.#context);
    if (this.facts) this.#owner.feed.release(this.#context.frag);
    return callbacks;
  }

  #reset(start: number, total: number): void {
    const { loading } = Object.assign(this.#stats, { loaded: 0, total });
    Object.assign(loading, { start, first: 0, end: 0 });
  }

  /** Times from which hls.js computes the rate at which bytes really came, waiting left out. */
  #backdate(bytes: number, rateBps: number, firstByteMs: number): void {
    const { loading } = Object.assign(this.#stats, { loaded: bytes, total: bytes, bwEstimate: rateBps });
    loading.end = performance.now();
    loading.first = rateBps > 0 ? loading.end - (8000 * bytes) / rateBps : this.#begun;
    loading.start = loading.first - Math.max(0, firstByteMs);
  }

  #playerCallbacks(): LoaderCallbacks {
    const callbacks: LoaderCallbacks = {
      onSuccess: (response, _stats, _context, details) => this.#answered(response, details),
      onError: (error, context, details) => this.#settled()?.onError(error, context, details, this.#stats),
      onTimeout: (_stats, context, details) => this.#settled()?.onTimeout(this.#stats, context, details),
      onAbort: (_stats, context, details) => this.#settled()?.onAbort?.(this.#stats, context, details),
    };
    const progress = this.#held ? undefined : this.#callbacks?.onProgress;
    if (progress) callbacks.onProgress = progress;
    return callbacks;
  }

  #answered(response: LoaderResponse, details: unknown): void {
    const { data } = response;
    this.#answer = { response, details };
    // What has been played in pieces is beyond checking.
    const isPlayed = this.#config.progressive && !this.#held;
    if (!isPlayed && data instanceof ArrayBuffer && data.byteLength > 0) this.#load.loaded(data, timing(this.#stats));
    else this.#load.passed(this.#stats.loaded, () => this.#succeed(response, details, false));
  }

  /** `whole`: hls.js has had no piece of it yet. */
  #succeed(response: LoaderResponse, details: unknown, whole: boolean): void {
    if (whole && this.#config.progressive && this.#callbacks?.onProgress) {
      this.#callbacks.onProgress(this.#stats, this.#context, response.data, details);
      // As hls.js's own loader does: all of it went as progress.
      response = { ...response, data: new ArrayBuffer(0) };
    }
    this.#settled()?.onSuccess(response, this.#stats, this.#context, details);
  }
}

/** Null: not a whole media segment of video or audio, but a part or subtitles. */
function factsOf({ frag, part }: FragmentContext): Omit<SegmentFacts, "bytes"> | null {
  if (part || (frag.type !== "main" && frag.type !== "audio")) return null;
  return { kind: frag.type, duration: frag.duration };
}

function timing({ loading }: LoaderStats): Timing {
  return { firstByteMs: loading.first - loading.start, transferMs: loading.end - loading.first };
}
