import { Arrival } from "./arrival.js";
import { Counters } from "./counters.js";
import { Distrust } from "./distrust.js";
import { Engine } from "./engine.js";
import type { LoadHandlers, Ticket } from "./engine.js";
import type { FirstFrame } from "./first-frame.js";
import { loadGlue, panicked } from "./glue.js";
import type { GlueLoader } from "./glue.js";
import type { Known, Segment } from "./known.js";
import { ModuleRoom } from "./module-room.js";
import { Notices } from "./notices.js";
import type { Emit } from "./notices.js";
import type { ResolvedOptions } from "./options.js";
import { Pace } from "./pace.js";
import { Strain } from "./strain.js";
import type { OffReason, SwarmlineStats } from "./types.js";
import { Waiting } from "./waiting.js";

/** What the player side brings. */
export interface Player {
  /** Builds a CDN request as the application wants it. */
  prepare(url: string, init: RequestInit): Request | Promise<Request>;
  /** A reason of the player's own to leave everything to its loader, or null. */
  obstacle(): OffReason | null;
  /** How much media the viewer has ahead, in ms; Infinity while nothing is played. */
  readonly playhead: { readonly ahead: number };
  /** When the viewer sees a picture, or none is to be expected. */
  readonly firstFrame: Pick<FirstFrame, "after" | "cancel">;
  /** A new engine is there: tell it all playlists and the playhead. */
  replay(): void;
}

/** How long the player's loader took. */
export interface Timing {
  readonly firstByteMs: number;
  readonly transferMs: number;
}

const MAX_ATTEMPTS = 5;
const RETRY_MS = 30_000;
/** So many requests in a row that only the player's own loader could get. */
const MAX_REFUSALS = 3;
const MISMATCHED = "segment after segment of the CDN's is not what the publisher's hashes say";

/**
 * One player's part in a swarm: whether there is an engine, why not, and what it is told. While there is
 * none, `load` says so and the player's loader does the work; a load that has time to spare may ask by
 * `awaitEngine` whether one is about to come.
 *
 * An engine is made when the publisher's hashes are known and the first picture is on the screen, so that
 * start-up shares neither line nor processor with the WebAssembly module. It outlives quality switches,
 * seeks and media re-attachment; another stream or a page put away ends it.
 */
export class Session {
  readonly options: ResolvedOptions;
  readonly counters = new Counters();
  readonly notices: Notices;
  /** Hears of the player's loads. */
  readonly room: ModuleRoom;
  readonly #player: Player;
  readonly #emit: Emit;
  readonly #loadGlue: GlueLoader;
  readonly #waiting = new Waiting();
  readonly #arrival = new Arrival();
  readonly #pace = new Pace();
  readonly #distrust = new Distrust();
  readonly #strain = new Strain(() => {
    this.#switch();
    this.consider();
  });
  readonly #disposer = new AbortController();
  #enabled: boolean;
  #swarmKey: string | null = null;
  #hashes: "unknown" | "none" | "some" = "unknown";
  #first: "awaited" | "delivered" | "shown" = "awaited";
  #engine: Engine | null = null;
  #starting: object | null = null;
  #attempts = 0;
  #retryAt = 0;
  #failure: string | null = null;
  #refusals = 0;
  #away = false;
  #watched = false;
  readonly #parked: LoadHandlers[] = [];
  #announced: OffReason | null = "loading";

  constructor(options: ResolvedOptions, player: Player, emit: Emit, glue: GlueLoader = loadGlue) {
    this.options = options;
    this.#player = player;
    this.#emit = emit;
    this.#loadGlue = glue;
    this.#enabled = options.enabled;
    this.notices = new Notices(emit, this.counters);
    this.room = new ModuleRoom(this.#pace);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  get destroyed(): boolean {
    return this.#disposer.signal.aborted;
  }

  /** Switches P2P while playing. */
  setEnabled(on: boolean): void {
    if (this.#enabled === on || this.destroyed) return;
    this.#enabled = on;
    this.#switch();
    if (on) this.#retryAt = 0;
    this.consider();
  }

  #switch(): void {
    this.#engine?.switch(this.#shares);
  }

  /** Whether an engine may have peers. */
  get #shares(): boolean {
    return this.#enabled && !this.#strain.rests;
  }

  /** A stream begins. The same swarm as before keeps its engine and its peers. */
  open(manifestUrl: string): void {
    if (this.destroyed) return;
    this.#watchPage();
    const key = this.options.swarmId ?? withoutQuery(manifestUrl);
    this.#forgetStream();
    if (key !== this.#swarmKey) this.#closeEngine().forEach(lose);
    this.#swarmKey = key;
    this.consider();
  }

  /** The stream is taken away; another one may come. Counters go on. */
  close(): void {
    if (this.destroyed || this.#swarmKey === null) return;
    this.#swarmKey = null;
    this.#forgetStream();
    this.#closeEngine().forEach(lose);
    this.consider();
  }

  #forgetStream(): void {
    this.#hashes = "unknown";
    this.#first = "awaited";
    this.#player.firstFrame.cancel();
    this.#waiting.clear();
    this.#distrust.reset();
  }

  /** Tells the application of something that was put right. */
  warn(code: string, message: string): void {
    this.#emit("warning", { code, message });
  }

  /** A playlist was read; `some`: it has at least one segment with a hash. */
  sawPlaylist(some: boolean): void {
    if (some) this.#hashes = "some";
    else if (this.#hashes === "unknown") this.#hashes = "none";
    this.consider();
  }

  /** Tells the engine, if there is one. */
  playlist(rendition: number, live: boolean, segments: readonly Segment[]): void {
    this.#engine?.playlist(JSON.stringify({ rendition, live, segments }));
  }

  /** Tells the engine, if there is one. */
  playhead(position: number | undefined, rate: number): void {
    if (!this.#engine && this.#first === "shown" && this.#isWanted()) this.consider();
    this.#engine?.playhead(position, rate);
    if (this.#engine && this.#enabled) this.#strain.look(this.#player.playhead.ahead);
  }

  /** Whether the latest bytes of the CDN that had a hash were not the publisher's. */
  get suspects(): boolean {
    return this.#distrust.suspects;
  }

  /** Whether a hash that has to be asked for is worth a request. */
  get wantsHashes(): boolean {
    // A CDN whose bytes did not match is looked at all the more.
    return ["hash-mismatch", null, "loading", "no-hashes", "busy"].includes(this.offReason());
  }

  /** Whether the engine would take this segment now. */
  takes(known: Known): boolean {
    return this.offReason() === null && known.bytes <= this.options.maxSegmentBytes;
  }

  /** Null: load by other means. */
  load(segment: Segment, handlers: LoadHandlers, patienceMs: number): Ticket | null {
    if (!this.takes(segment)) return null;
    return this.#engine?.load(segment, handlers, patienceMs) ?? null;
  }

  /**
   * For a load of `bytes` bytes that is due in `leadMs`: how long it may wait for an engine that is on its
   * way, in ms, and still be loaded in time by the player's loader. 0: not at all.
   */
  spare(bytes: number, leadMs: number): number {
    if (bytes > this.options.maxSegmentBytes || !this.#isComing()) return 0;
    const left = this.#arrival.left(this.#player.playhead.ahead);
    return Math.max(0, Math.min(left, leadMs - this.#pace.needs(bytes)));
  }

  /** Calls back when the engine that is on its way is there, or will not come. The answer takes that back. */
  awaitEngine(proceed: () => void): () => void {
    return this.#arrival.wait(proceed);
  }

  /**
   * The player's loader has a whole segment, verified. The engine copies it, or, while it is on its way,
   * a bounded few copies wait for it.
   */
  offer(segment: Segment, data: ArrayBuffer, timing: Timing): void {
    this.#pace.saw(data.byteLength, timing);
    if (segment.bytes > this.options.maxSegmentBytes) return;
    const reason = this.offReason();
    if (reason === null) this.#engine?.insert(segment, data, timing.firstByteMs, timing.transferMs);
    else if (reason === "loading") this.#waiting.keep(segment, data, timing);
  }

  /** Bytes reached the player. */
  delivered(bytes: number): void {
    this.counters.delivered(bytes);
    // A panic leaves no way to ask; what is known then is as old as the last delivery.
    if (this.#engine) this.counters.engine(this.#engine.stats());
    if (this.#first !== "awaited" || this.destroyed) return;
    this.#first = "delivered";
    this.#arrival.expectPicture();
    this.#player.firstFrame.after(() => {
      this.#first = "shown";
      this.consider();
    });
  }

  /** The player's loader got what the engine's requests could not get. */
  refused(message: string): void {
    this.#refusals += 1;
    if (this.#refusals !== MAX_REFUSALS) return;
    this.#emit("warning", { code: "cdn-refused", message });
    this.#failure = message;
    this.#closeEngine().forEach(lose);
    this.consider();
  }

  /** The engine's requests work. */
  accepted(): void {
    if (this.#refusals < MAX_REFUSALS) this.#refusals = 0;
    this.matched();
  }

  /** Bytes for the player are the publisher's. */
  matched(): void {
    this.#distrust.matched();
  }

  /** Twice, the second time past every cache, the CDN's bytes of a load were not the publisher's. */
  lost(): void {
    if (this.#distrust.lost()) {
      this.#emit("warning", { code: "hash-mismatch", message: MISMATCHED });
      this.#closeEngine().forEach(lose);
      this.#waiting.clear();
    }
    this.consider();
  }

  /** Why loads do not go to the engine; null: they do. */
  offReason(): OffReason | null {
    if (this.destroyed) return "destroyed";
    if (!this.#enabled) return "switched-off";
    const hindrance = this.#hindrance();
    if (hindrance) return hindrance;
    if (!this.#engine) return this.#missing();
    return this.#strain.rests ? "busy" : null;
  }

  stats(): SwarmlineStats {
    if (this.#engine) this.counters.engine(this.#engine.stats());
    const offReason = this.offReason();
    return { enabled: this.#enabled, offReason, offDetail: this.#detail(offReason), ...this.counters.sum() };
  }

  /** Starts what can be started and announces a changed state. Cheap; called whenever something changed. */
  consider(): void {
    if (this.#hindrance() === "no-hashes") this.#waiting.clear();
    if (this.#shouldStart()) void this.#start();
    if (!this.#isComing()) this.#arrival.over();
    const reason = this.offReason();
    if (reason === this.#announced) return;
    this.#announced = reason;
    this.#emit("statechange", { offReason: reason, offDetail: this.#detail(reason) });
  }

  /** Ends everything. Idempotent. */
  destroy(): void {
    if (this.destroyed) return;
    this.#disposer.abort();
    this.#player.firstFrame.cancel();
    this.#closeEngine().forEach(lose);
    this.#waiting.clear();
    this.consider();
  }

  /** What no engine could help with. */
  #hindrance(): OffReason | null {
    if (this.options.trackers.length === 0) return "no-trackers";
    if (typeof RTCPeerConnection === "undefined") return "no-webrtc";
    const obstacle = this.#player.obstacle();
    if (obstacle) return obstacle;
    if (panicked() !== null) return "wasm-panicked";
    if (this.#refusals >= MAX_REFUSALS) return "cdn-refused";
    if (this.#distrust.ended) return "hash-mismatch";
    return this.#hashes === "none" ? "no-hashes" : null;
  }

  #missing(): OffReason {
    return this.#failure !== null && !this.#starting ? "wasm-failed" : "loading";
  }

  #detail(reason: OffReason | null): string | null {
    if (reason === "wasm-panicked") return panicked();
    if (reason === "hash-mismatch") return MISMATCHED;
    return reason === "wasm-failed" || reason === "cdn-refused" ? this.#failure : null;
  }

  /** Whether there may be an engine, and is none yet. */
  #isWanted(): boolean {
    if (this.destroyed || this.#away || this.#engine || !this.#enabled) return false;
    return !this.#hindrance() && this.#hashes === "some" && this.#swarmKey !== null;
  }

  #shouldStart(): boolean {
    if (this.#starting || !this.#isWanted() || this.#first !== "shown" || !this.#hasRoom()) return false;
    return this.#attempts < MAX_ATTEMPTS && performance.now() >= this.#retryAt;
  }

  /** Whether an engine can be expected soon: what failed once is not waited for again. */
  #isComing(): boolean {
    if (this.#attempts > 0 || this.#first === "awaited") return false;
    return this.#isWanted() && (this.#starting !== null || this.#hasRoom());
  }

  #hasRoom(): boolean {
    return this.room.suffices(this.#player.playhead);
  }

  async #start(): Promise<void> {
    const turn = (this.#starting = {});
    this.#arrival.expect();
    try {
      const glue = await this.#loadGlue(this.options.wasmUrl);
      if (this.#starting !== turn) return;
      if (!this.destroyed && !this.#away && panicked() === null) this.#begin(glue);
      this.#starting = null;
    } catch (error) {
      if (this.#starting === turn) this.#failed(error);
    }
    this.consider();
  }

  #begin(glue: Awaited<ReturnType<GlueLoader>>): void {
    const { trackers, maxPeers, maxUploadBitrate, cacheBytes, maxSegmentBytes, cdnTimeoutMs, iceServers } =
      this.options;
    const limits = { maxPeers, maxUploadBitrate, cacheBytes, maxSegmentBytes, cdnTimeoutMs };
    this.#engine = new Engine(glue, {
      options: { trackers, enabled: this.#shares, ...limits, swarmKey: this.#swarmKey },
      iceServers,
      prepare: (url, init) => this.#player.prepare(url, init),
      notice: (json) => this.notices.receive(json),
      warn: (code, message) => this.#emit("warning", { code, message }),
      broken: (message) => this.#broken(message),
    });
    this.#failure = null;
    this.#attempts = 0;
    // First what it need not fetch, then what there is.
    this.#waiting.drain((segment, data, timing) =>
      this.#engine?.insert(segment, data, timing.firstByteMs, timing.transferMs),
    );
    this.#player.replay();
  }

  #failed(error: unknown): void {
    this.#starting = null;
    this.#engine = null;
    this.#attempts += 1;
    this.#retryAt = performance.now() + RETRY_MS;
    this.#failure = error instanceof Error ? error.message : String(error);
    this.#waiting.clear();
    this.#emit("warning", { code: "wasm-failed", message: this.#failure });
  }

  #broken(message: string): void {
    this.#engine = null;
    this.counters.keep();
    this.#waiting.clear();
    this.#emit("warning", { code: "wasm-panicked", message });
    this.consider();
  }

  /** Answers the loads it had under way. */
  #closeEngine(): LoadHandlers[] {
    const engine = this.#engine;
    this.#starting = null;
    this.#engine = null;
    this.#strain.stop();
    if (!engine) return [];
    this.counters.engine(engine.stats());
    this.counters.keep();
    return engine.close();
  }

  /** A page that goes away says bye; one that comes back from the back/forward cache joins again. */
  #watchPage(): void {
    if (this.#watched || typeof addEventListener !== "function") return;
    this.#watched = true;
    const { signal } = this.#disposer;
    addEventListener("pagehide", () => this.#hide(), { signal });
    addEventListener("pageshow", () => this.#show(), { signal });
  }

  #hide(): void {
    this.#away = true;
    // A page that is being left must not begin new requests.
    this.#parked.push(...this.#closeEngine());
  }

  #show(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#parked.splice(0).forEach(lose);
    this.consider();
  }
}

function lose(handlers: LoadHandlers): void {
  handlers.lost();
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, "");
}
