import { digestOf } from "./digest.js";
import type { LoadHandlers } from "./engine.js";
import { StatusError, loadAgain } from "./hls-again.js";
import type { HlsDigests } from "./hls-digests.js";
import type { HlsFeed } from "./hls-feed.js";
import type { HlsHashes } from "./hls-hashes.js";
import type {
  Fragment,
  FragmentContext,
  FragmentLoader,
  FragmentLoaderClass,
  HlsConfig,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderResponse,
  LoaderStats,
} from "./hls-types.js";
import { toHex } from "./known.js";
import type { Known } from "./known.js";
import { isTimeout, limit } from "./limit.js";
import type { Playhead } from "./playhead.js";
import { ENGINE_WAIT_MIN_MS, GRACE_MS, HASH_WAIT_MS, HASH_WAIT_NEEDS_MS, MOST_AHEAD_MS, isRefusal } from "./segment-load.js";
import type { Session, Timing } from "./session.js";
import { sha256 } from "./sha256.js";

/** The player that loaders load for. */
export interface LoaderOwner {
  readonly session: Session;
  readonly hashes: HlsHashes;
  readonly digests: HlsDigests;
  readonly feed: HlsFeed;
  readonly playhead: Playhead;
  /** The hash of a fragment, if there is one by now. */
  known(frag: Fragment): Known | null;
  /** The configuration of exactly this player; null until hls.js has made it. */
  readonly config: HlsConfig | null;
  /** The application's own `fLoader`, if it has one. */
  readonly ownLoader: FragmentLoaderClass | undefined;
  /** What is being loaded. */
  readonly contexts: Set<FragmentContext>;
  /** Whether a request by `prepare` is as good as one by the player's loader. */
  readonly mayFetch: boolean;
  /** Builds a request as the application wants it. */
  prepare(url: string, init: RequestInit): Request | Promise<Request>;
}

/**
 * Twice, the second time past every cache, the CDN's bytes were not the publisher's. hls.js tries again after a
 * status like this (what a gateway says of an invalid answer), and gives up after 0.
 */
const BAD_BYTES = { code: 502, text: "hash-mismatch: the CDN's bytes are not the publisher's" } as const;

/**
 * A class of fragment loaders for one player. Players for interstitials and I-frames inherit it with the
 * configuration: they play other streams, and get their own loader as if nothing were here.
 */
export function loaderClass(owner: LoaderOwner): FragmentLoaderClass {
  function SwarmlineLoader(config: HlsConfig): FragmentLoader {
    const Player = owner.ownLoader ?? config.loader;
    const player = new Player(config);
    return config === owner.config ? new SegmentLoader(owner, config, player) : player;
  }
  return SwarmlineLoader as unknown as FragmentLoaderClass;
}

/**
 * Who is at work. `hash` and `engine`: nobody yet, it waits for one; `check`: the bytes are there and their
 * hash is computed; `done`: nothing more may happen.
 */
type Phase = "idle" | "hash" | "engine" | "swarm" | "player" | "check" | "again" | "done";

/**
 * One request of hls.js, by the engine or by the player's own loader, which is always at hand: its `stats`
 * is the object that hls.js sees, whoever loads.
 *
 * At most one of onSuccess, onError, onTimeout is called, once, and nothing after `abort` or `destroy`;
 * hls.js calls `destroy` from inside each of them. Bytes with a known hash are compared with it before
 * hls.js gets them, whatever brought them. Only the CDN's failures get out.
 */
class SegmentLoader implements FragmentLoader {
  readonly stats: LoaderStats;
  context: FragmentContext | null = null;
  readonly #owner: LoaderOwner;
  readonly #config: HlsConfig;
  readonly #player: FragmentLoader;
  #settings: LoaderConfiguration | null = null;
  #callbacks: LoaderCallbacks | null = null;
  #phase: Phase = "idle";
  #begun = 0;
  #cancel: (() => void) | null = null;
  #refusal: string | null = null;

  constructor(owner: LoaderOwner, config: HlsConfig, player: FragmentLoader) {
    this.#owner = owner;
    this.#config = config;
    this.#player = player;
    this.stats = player.stats;
  }

  load(context: FragmentContext, settings: LoaderConfiguration, callbacks: LoaderCallbacks): void {
    if (this.#phase !== "idle") throw new Error("Loader can only be used once.");
    this.context = context;
    this.#settings = settings;
    this.#callbacks = callbacks;
    this.#begun = performance.now();
    if (!isMedia(context)) return this.#byPlayer(context, null);
    this.#owner.contexts.add(context);
    this.#owner.digests.ahead(context.frag);
    const known = this.#owner.known(context.frag);
    if (known) this.#byHash(context, known);
    else this.#awaitHash(context);
  }

  abort(): void {
    const { context } = this;
    if (this.#phase === "player") return this.#player.abort();
    if (this.#phase === "idle" || this.#phase === "done" || !context) return;
    this.stats.aborted = true;
    this.#settled()?.onAbort?.(this.stats, context, null);
  }

  destroy(): void {
    this.#settled();
    this.context = null;
    this.#player.destroy();
  }

  getCacheAge(): number | null {
    return this.#player.getCacheAge?.() ?? null;
  }

  getResponseHeader(name: string): string | null {
    return this.#player.getResponseHeader?.(name) ?? null;
  }

  /** Ends whatever goes on, and gives the callbacks to whoever may call one of them. */
  #settled(): LoaderCallbacks | null {
    const callbacks = this.#callbacks;
    if (this.#phase === "player") this.#received(this.stats.loaded);
    this.#phase = "done";
    this.#callbacks = null;
    if (this.stats.loading.start === Infinity) this.stats.loading.start = this.#begun;
    this.#cancel?.();
    this.#cancel = null;
    if (this.context) this.#leave(this.context);
    return callbacks;
  }

  #leave(context: FragmentContext): void {
    this.#owner.contexts.delete(context);
    this.#owner.feed.release(context.frag);
  }

  #byHash(context: FragmentContext, known: Known): void {
    if (this.#owner.session.takes(known)) this.#bySwarm(context, known);
    else this.#awaitEngine(context, known);
  }

  /** An engine may be on its way; the time that the CDN does not need is well spent on it. */
  #awaitEngine(context: FragmentContext, known: Known): void {
    const { playhead, session } = this.#owner;
    const lead = playhead.until(context.frag.start);
    const spare = session.spare(known.bytes, lead);
    if (spare < ENGINE_WAIT_MIN_MS) return this.#byPlayer(context, known);
    this.#phase = "engine";
    this.#wait(known.bytes, lead);
    const proceed = (): void => {
      if (this.#phase !== "engine") return;
      this.#cancel?.();
      if (session.takes(known)) this.#bySwarm(context, known);
      else this.#byPlayer(context, known);
    };
    const timer = setTimeout(proceed, spare);
    const forget = session.awaitEngine(proceed);
    this.#cancel = () => {
      clearTimeout(timer);
      forget();
    };
  }

  /** The hash may be on its way; with time to spare, a moment is well spent on it. */
  #awaitHash(context: FragmentContext): void {
    const { digests, hashes, playhead } = this.#owner;
    const inTime = playhead.until(context.frag.start) >= HASH_WAIT_NEEDS_MS;
    const answer = inTime ? digests.pending(context.frag) : null;
    if (!answer) return this.#byPlayer(context, null);
    this.#phase = "hash";
    const proceed = (): void => {
      if (this.#phase !== "hash") return;
      this.#cancel?.();
      const known = hashes.find(context.frag);
      if (known) this.#byHash(context, known);
      else this.#byPlayer(context, null);
    };
    const timer = setTimeout(proceed, HASH_WAIT_MS);
    this.#cancel = () => clearTimeout(timer);
    void answer.then(proceed);
  }

  #bySwarm(context: FragmentContext, known: Known): void {
    const { hashes, playhead, session } = this.#owner;
    const { frag } = context;
    const segment = hashes.segment(frag, known, context.url);
    const lead = playhead.until(frag.start);
    this.#phase = "swarm";
    this.#cancel = null;
    this.#wait(known.bytes, lead);
    const facts = { kind: kindOf(context), bytes: known.bytes, duration: frag.duration };
    session.notices.expect(segment.rendition, segment.sn, facts);
    const patience = Math.min(lead, MOST_AHEAD_MS) + 2 * session.options.cdnTimeoutMs + GRACE_MS;
    const ticket = session.load(segment, this.#handlers(context, known), patience);
    // It may have been answered already.
    if (this.#phase !== "swarm") return;
    if (ticket) this.#cancel = () => ticket.abort();
    else this.#byPlayer(context, known);
  }

  /**
   * hls.js abandons a request that seems slow. One that waits on purpose has not begun, so it begins in
   * the future, until bytes are urgent; at start-up and after a seek they are from the outset.
   */
  #wait(bytes: number, lead: number): void {
    const { stats } = this;
    stats.loading.start = lead > 0 ? Infinity : this.#begun;
    stats.loading.first = stats.loading.end = stats.loaded = 0;
    stats.total = bytes;
  }

  #handlers(context: FragmentContext, known: Known): LoadHandlers {
    const whileWaiting =
      <A extends unknown[]>(act: (...args: A) => void) =>
      (...args: A): void => {
        if (this.#phase === "swarm") act(...args);
      };
    return {
      deliver: whileWaiting((data: ArrayBuffer, rateBps: number, firstByteMs: number) => {
        this.#backdate(data.byteLength, rateBps, firstByteMs);
        this.#owner.session.accepted();
        this.#succeed(context, { url: context.url, data, code: 200 }, null, true);
      }),
      progress: whileWaiting((loaded: number, total: number, activeMs: number) => {
        const { loading } = Object.assign(this.stats, { loaded, total });
        loading.start = loading.first = performance.now() - activeMs;
      }),
      fail: whileWaiting((code: string, status: number, message: string) =>
        this.#swarmFailed(context, known, code, status, message),
      ),
      lost: whileWaiting(() => this.#byPlayer(context, known)),
    };
  }

  /** Times from which hls.js computes the rate at which bytes really came, waiting left out. */
  #backdate(bytes: number, rateBps: number, firstByteMs: number): void {
    const { loading } = this.stats;
    const now = performance.now();
    loading.end = now;
    loading.first = rateBps > 0 ? now - (8000 * bytes) / rateBps : this.#begun;
    loading.start = loading.first - Math.max(0, firstByteMs);
    this.stats.loaded = this.stats.total = bytes;
    this.stats.bwEstimate = rateBps;
  }

  #swarmFailed(context: FragmentContext, known: Known, code: string, status: number, message: string): void {
    if (isRefusal(code, status)) {
      this.#refusal = message;
      return this.#byPlayer(context, known);
    }
    const callbacks = this.#settled();
    if (code === "timeout") callbacks?.onTimeout(this.stats, context, null);
    else if (code === "hash-mismatch") callbacks?.onError(BAD_BYTES, context, null, this.stats);
    else callbacks?.onError({ code: status, text: message }, context, null, this.stats);
  }

  #byPlayer(context: FragmentContext, known: Known | null): void {
    const { loading } = this.stats;
    this.#phase = "player";
    this.#cancel = null;
    if (isMedia(context)) this.#owner.feed.withhold(context.frag);
    // hls.js's loaders refuse to be used twice, and see it by this.
    loading.start = loading.first = loading.end = this.stats.loaded = this.stats.total = 0;
    if (this.#settings) this.#player.load(context, this.#settings, this.#playerCallbacks(known));
  }

  #playerCallbacks(known: Known | null): LoaderCallbacks {
    const callbacks: LoaderCallbacks = {
      onSuccess: (response, _stats, context, details) => this.#loaded(context, known, response, details),
      onError: (error, context, details) =>
        this.#settled()?.onError(error, context, details, this.stats),
      onTimeout: (_stats, context, details) => this.#settled()?.onTimeout(this.stats, context, details),
      onAbort: (_stats, context, details) => this.#settled()?.onAbort?.(this.stats, context, details),
    };
    // Pieces of something that is yet to be verified go nowhere.
    const progress = known ? undefined : this.#callbacks?.onProgress;
    if (progress) callbacks.onProgress = progress;
    return callbacks;
  }

  #loaded(context: FragmentContext, known: Known | null, response: LoaderResponse, details: unknown): void {
    if (this.#phase !== "player") return;
    const { data } = response;
    const whole = data instanceof ArrayBuffer && data.byteLength > 0;
    this.#received(whole ? data.byteLength : this.stats.loaded);
    if (this.#refusal !== null) this.#owner.session.refused(this.#refusal);
    this.#phase = "check";
    const curious = whole && !known && isMedia(context) && this.#owner.session.wantsHashes;
    const digest = curious ? digestOf(details) : null;
    if (whole && known) void this.#check(context, known, response, data, details);
    else if (whole && digest) void this.#compare(context, digest, response, data, details);
    else this.#succeed(context, response, details, false);
  }

  /** Bytes with a published hash: they match it, or they are not delivered. */
  async #check(
    context: FragmentContext,
    known: Known,
    response: LoaderResponse,
    data: ArrayBuffer,
    details: unknown,
    again = false,
  ): Promise<void> {
    const matches = data.byteLength === known.bytes && (await sha256(data)) === known.sha256;
    if (this.#phase !== "check") return;
    if (!matches) return this.#mismatched(context, known, again);
    this.#offer(context, known, data);
    this.#succeed(context, response, details, true);
  }

  /** Bytes with a digest in their own response: it can show that this CDN's digests are true. */
  async #compare(
    context: FragmentContext,
    digest: string,
    response: LoaderResponse,
    data: ArrayBuffer,
    details: unknown,
  ): Promise<void> {
    const { digests, hashes } = this.#owner;
    const same = (await sha256(data)) === digest;
    if (this.#phase !== "check") return;
    if (same) digests.confirm(context.frag, digest, data.byteLength);
    else digests.refute();
    const known = same ? hashes.find(context.frag) : null;
    if (known) this.#offer(context, known, data);
    // With hls.js's `progressive` an answer in pieces has no data here, so this was whole.
    this.#succeed(context, response, details, false);
  }

  #offer(context: FragmentContext, known: Known, data: ArrayBuffer): void {
    const { hashes, session } = this.#owner;
    session.offer(hashes.segment(context.frag, known, context.url), data, timing(this.stats));
  }

  #mismatched(context: FragmentContext, known: Known, again: boolean): void {
    this.#owner.session.notices.mismatched(toHex(known.sha256));
    if (!again && this.#owner.mayFetch) return void this.#loadAgain(context, known);
    this.#settled()?.onError(BAD_BYTES, context, null, this.stats);
  }

  async #loadAgain(context: FragmentContext, known: Known): Promise<void> {
    const abort = new AbortController();
    const limited = limit(this.#settings?.loadPolicy.maxLoadTimeMs ?? MOST_AHEAD_MS, abort.signal);
    this.#phase = "again";
    this.#cancel = () => abort.abort();
    try {
      const { response, details } = await loadAgain(this.#owner, context, this.stats, limited.signal);
      if (this.#phase !== "again") return;
      this.#phase = "check";
      this.#cancel = null;
      await this.#check(context, known, response, response.data, details, true);
    } catch (error) {
      if (this.#phase === "again") this.#againFailed(context, error);
    } finally {
      limited.done();
    }
  }

  #againFailed(context: FragmentContext, error: unknown): void {
    const callbacks = this.#settled();
    if (isTimeout(error)) return callbacks?.onTimeout(this.stats, context, null);
    const code = error instanceof StatusError ? error.status : 0;
    callbacks?.onError({ code, text: String(error) }, context, null, this.stats);
  }

  /** `whole`: hls.js has had no piece of it yet. */
  #succeed(context: FragmentContext, response: LoaderResponse, details: unknown, whole: boolean): void {
    const { session } = this.#owner;
    const bySwarm = this.#phase === "swarm";
    const bytes = this.stats.loaded;
    const callbacks = this.#settled();
    if (!callbacks) return;
    if (whole && this.#config.progressive && callbacks.onProgress) {
      callbacks.onProgress(this.stats, context, response.data, details);
      // As hls.js's own loader does: all of it went as progress.
      response = { ...response, data: new ArrayBuffer(0) };
    }
    if (this.context) callbacks.onSuccess(response, this.stats, context, details);
    if (!bySwarm && isMedia(context)) this.#announce(context, bytes);
    if (isCounted(context)) session.delivered(bytes);
  }

  #received(bytes: number): void {
    if (this.context && isCounted(this.context)) this.#owner.session.counters.received(bytes);
  }

  #announce(context: FragmentContext, bytes: number): void {
    const { hashes, session } = this.#owner;
    const { frag } = context;
    const known = hashes.find(frag);
    session.notices.played({
      hash: known && toHex(known.sha256),
      sn: Number(frag.sn),
      rendition: hashes.rendition(frag.baseurl),
      kind: kindOf(context),
      bytes,
      duration: frag.duration,
    });
  }
}

/** Whole media segments of video and audio; not parts, init segments or subtitles. */
function isMedia({ frag, part }: FragmentContext): boolean {
  return !part && typeof frag.sn === "number" && (frag.type === "main" || frag.type === "audio");
}

/** Init segments are as good as part of the playlist: no byte of them is in any count. */
function isCounted({ frag }: FragmentContext): boolean {
  return frag.sn !== "initSegment";
}

function kindOf({ frag }: FragmentContext): "main" | "audio" {
  return frag.type === "audio" ? "audio" : "main";
}

function timing({ loading }: LoaderStats): Timing {
  return { firstByteMs: loading.first - loading.start, transferMs: loading.end - loading.first };
}
