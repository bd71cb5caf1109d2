import { StatusError } from "./again.js";
import type { Loaded } from "./again.js";
import type { LoadHandlers } from "./engine.js";
import { GUESS, toHex } from "./known.js";
import type { Segment } from "./known.js";
import { isTimeout } from "./limit.js";
import type { SegmentFacts } from "./notices.js";
import type { Session, Timing } from "./session.js";
import { sha256 } from "./sha256.js";

/** What a player's side of one load brings. */
export interface LoadSide {
  /** What the application is told of the segment; null: nothing, as it is not a whole one, and only counted. */
  readonly facts: Omit<SegmentFacts, "bytes"> | null;
  readonly rendition: number;
  /** The segment's number. */
  readonly sn: number;
  /**
   * The segment as the engine takes it, if its hash is known by now. `bytes`: so many have come, which settles the size
   * where the publisher has named the hash alone.
   */
  find(bytes?: number): Segment | null;
  /** Comes when a source of hashes has answered, which may know it or not; null: none is left to ask. */
  pending(): Promise<void> | null;
  /** Comes when a list that may be behind the CDN has been read anew, or may be; null: there is none. */
  late(): Promise<void> | null;
  /** Whether that list names segments as they come, and none so new as this one yet. */
  isAhead(): boolean;
  /**
   * Bytes came: done when what their own answer says of them has been looked at, and `find` may know more; null: it says
   * nothing, or nothing that counts.
   */
  learn(data: ArrayBuffer): Promise<void> | null;
  /** Time until the playhead is there, in ms. */
  lead(): number;
  /** Nobody loads yet, on purpose. For a player that gives up what seems slow. */
  waits?(): void;
  /** Starts the player's own loader, which answers by `SegmentLoad.loaded` or `passed`, or by `lost`. */
  byPlayer(): void;
  /**
   * Loads the bytes past every cache, because what came was not the publisher's; rejects with what went wrong. Null:
   * only the player's own loader could.
   */
  again(signal: AbortSignal): Promise<Loaded> | null;
  /** Real counters of an urgent transfer. */
  progress(loaded: number, total: number, activeMs: number): void;
  /** The bytes go to the player; `rateBps` is null where its own loader has reported the transfer itself. */
  deliver(data: ArrayBuffer, rateBps: number | null, firstByteMs: number): void;
  /** The CDN failed: HTTP status, 0 where there was none. */
  fail(status: number, message: string): void;
  /** The player is told that it took too long. */
  timeOut(): void;
}

/**
 * Twice, the second time past every cache, the CDN's bytes were not the publisher's. Players try again after a status
 * like this (what a gateway says of an invalid answer), and may give up after 0.
 */
const BAD_BYTES = [502, "hash-mismatch: the CDN's bytes are not the publisher's"] as const;
/** How long a load may wait for a hash that is on its way, if it has so much time, in ms. */
const HASH_WAIT_MS = 500;
const HASH_WAIT_NEEDS_MS = 1_500;
/**
 * How long bytes wait for a hash that is about to be listed, in ms; if the CDN has given none but right ones, only while the
 * viewer has enough ahead.
 */
const LATE_HASH_MS = 2_000;
/** An engine that can be waited for no longer than this is not, in ms. */
const ENGINE_WAIT_MIN_MS = 50;
/** An engine may wait until the segment is due; silence beyond that and this is an engine that hangs, in ms. */
const GRACE_MS = 8_000;
export const MOST_AHEAD_MS = 120_000;

/**
 * Who is at work. `hash` and `engine`: nobody yet, it waits for one; `check`: the bytes are there and their
 * hash is computed; `done`: nothing more may happen.
 */
type Phase = "idle" | "hash" | "engine" | "swarm" | "player" | "check" | "again" | "done";

/**
 * One segment that a player has asked for, by the engine or by the player's own loader.
 *
 * At most one of `deliver`, `fail`, `timeOut` is called, once, and nothing after `end`. Bytes with a known hash are
 * compared with it before the player gets them, whatever brought them. Only the CDN's failures get out.
 */
export class SegmentLoad {
  readonly #session: Session;
  readonly #side: LoadSide;
  #phase: Phase = "idle";
  #begun = false;
  #known: Segment | null = null;
  #cancel: (() => void) | null = null;
  #refusal: string | null = null;

  constructor(session: Session, side: LoadSide) {
    this.#session = session;
    this.#side = side;
  }

  /** Whether the player's own loader is at work. */
  get isPlayers(): boolean {
    return this.#phase === "player";
  }

  start(): void {
    this.#session.room.loadBegins();
    this.#begun = true;
    const known = this.#side.find();
    if (known) this.#byHash(known);
    else this.#awaitHash();
  }

  /** Nothing is called any more. */
  end(): void {
    if (this.#begun) this.#session.room.loadEnds();
    this.#begun = false;
    this.#phase = "done";
    this.#cancel?.();
    this.#cancel = null;
  }

  /** The player's loader brought a whole segment. */
  loaded(data: ArrayBuffer, timing: Timing): void {
    if (this.#phase !== "player") return;
    this.#arrived(data.byteLength);
    // A hash that came meanwhile counts as well.
    this.#known ??= this.#side.find(data.byteLength);
    const known = this.#known;
    const learning = this.#side.learn(data);
    if (known) void this.#checkAfter(learning, known, { data, timing });
    else if (learning) void this.#learned(data, timing, learning);
    else if (this.#mayBeListed()) void this.#unlisted({ data, timing });
    else this.#finish(data.byteLength, false, () => this.#side.deliver(data, null, 0));
  }

  /** The player's loader brought so many bytes, and the player has them already; `tell` says that these are all. */
  passed(bytes: number, tell: () => void): void {
    if (this.#phase !== "player") return;
    this.#arrived(bytes);
    this.#finish(bytes, false, tell);
  }

  /** The player's loader ended without it, and tells the player itself. */
  lost(receivedBytes: number): void {
    this.#session.counters.received(receivedBytes);
    this.end();
  }

  #byHash(known: Segment): void {
    this.#known = known;
    if (this.#session.takes(known)) this.#bySwarm(known);
    else this.#awaitEngine(known);
  }

  /** The hash may be on its way; with time to spare, a moment is well spent on it. */
  #awaitHash(): void {
    const answer = this.#side.lead() >= HASH_WAIT_NEEDS_MS ? this.#side.pending() : null;
    if (!answer) return this.#byPlayer();
    const proceed = this.#wait("hash", HASH_WAIT_MS, () => {
      const known = this.#side.find();
      if (known) this.#byHash(known);
      else this.#byPlayer();
    });
    void this.#askAll(answer).then(proceed);
  }

  /** One source of hashes after the other, until one has it. */
  async #askAll(answer: Promise<void> | null): Promise<void> {
    while (answer) {
      await answer;
      answer = this.#phase !== "hash" || this.#side.find() ? null : this.#side.pending();
    }
  }

  /** An engine may be on its way; the time that the CDN does not need is well spent on it. */
  #awaitEngine(known: Segment): void {
    const spare = this.#session.spare(known.bytes, this.#side.lead());
    if (spare < ENGINE_WAIT_MIN_MS) return this.#byPlayer();
    const proceed = this.#wait("engine", spare, () => {
      if (this.#session.takes(known)) this.#bySwarm(known);
      // The picture may have come meanwhile, and the engine be nearer than before.
      else this.#awaitEngine(known);
    });
    const forget = this.#session.awaitEngine(proceed);
    const cancel = this.#cancel;
    this.#cancel = () => {
      cancel?.();
      forget();
    };
  }

  /** Goes on when the answer is called, or after so long; once. */
  #wait(phase: "hash" | "engine", ms: number, next: () => void): () => void {
    this.#phase = phase;
    this.#side.waits?.();
    const proceed = (): void => {
      if (this.#phase !== phase) return;
      this.#cancel?.();
      this.#cancel = null;
      next();
    };
    const timer = setTimeout(proceed, ms);
    this.#cancel = () => clearTimeout(timer);
    return proceed;
  }

  #bySwarm(known: Segment): void {
    this.#phase = "swarm";
    this.#side.waits?.();
    const { facts, rendition, sn } = this.#side;
    if (facts) this.#session.notices.expect(rendition, sn, { ...facts, bytes: known.bytes });
    const patience = Math.min(this.#side.lead(), MOST_AHEAD_MS) + 2 * this.#session.options.cdnTimeoutMs + GRACE_MS;
    const ticket = this.#session.load(known, this.#handlers(), patience);
    // It may have been answered already.
    if (this.#phase !== "swarm") return;
    if (ticket) this.#cancel = () => ticket.abort();
    else this.#byPlayer();
  }

  #handlers(): LoadHandlers {
    const whileWaiting =
      <A extends unknown[]>(act: (...args: A) => void) =>
      (...args: A): void => {
        if (this.#phase === "swarm") act(...args);
      };
    return {
      deliver: whileWaiting((data: ArrayBuffer, rateBps: number, firstByteMs: number) => {
        this.#session.accepted();
        this.#finish(data.byteLength, true, () => this.#side.deliver(data, rateBps, firstByteMs));
      }),
      progress: whileWaiting((loaded: number, total: number, activeMs: number) =>
        this.#side.progress(loaded, total, activeMs),
      ),
      fail: whileWaiting((code: string, status: number, message: string) => this.#failed(code, status, message)),
      lost: whileWaiting(() => this.#byPlayer()),
    };
  }

  #failed(code: string, status: number, message: string): void {
    // What was wrong may be the size alone.
    if (code === "hash-mismatch" && this.#known?.[GUESS]) return this.#byPlayer();
    if (isRefusal(code, status)) {
      this.#refusal = message;
      return this.#byPlayer();
    }
    this.end();
    if (code === "timeout") this.#side.timeOut();
    else if (code === "hash-mismatch") {
      this.#session.lost();
      this.#side.fail(...BAD_BYTES);
    }
    else this.#side.fail(status, message);
  }

  #byPlayer(): void {
    this.#phase = "player";
    this.#cancel = null;
    this.#side.byPlayer();
  }

  #arrived(bytes: number): void {
    if (this.#refusal !== null) this.#session.refused(this.#refusal);
    this.#session.counters.received(bytes);
    this.#phase = "check";
  }

  /** Bytes whose own answer may have told their hash. */
  async #learned(data: ArrayBuffer, timing: Timing, learning: Promise<void>): Promise<void> {
    await learning;
    if (this.#phase !== "check") return;
    this.#known = this.#side.find();
    if (this.#known) this.#session.offer(this.#known, data, timing);
    else if (this.#mayBeListed()) return this.#unlisted({ data, timing });
    this.#finish(data.byteLength, false, () => this.#side.deliver(data, null, 0));
  }

  /** Whether bytes without a hash are worth waiting with: their hash is about to come, and they are needed later, or are not to be trusted. */
  #mayBeListed(): boolean {
    return this.#session.suspects || (this.#side.isAhead() && this.#side.lead() >= HASH_WAIT_NEEDS_MS);
  }

  /** The list may be behind the CDN: what it is about to name is not given to the player unseen. */
  async #unlisted(loaded: Loaded): Promise<void> {
    const { byteLength } = loaded.data;
    const until = performance.now() + LATE_HASH_MS;
    while (this.#mayBeListed() && performance.now() < until) {
      const answer = this.#side.late();
      if (!answer) break;
      await answer;
      if (this.#phase !== "check") return;
      this.#known = this.#side.find(byteLength);
      if (this.#known) return this.#check(this.#known, loaded, false);
    }
    this.#finish(byteLength, false, () => this.#side.deliver(loaded.data, null, 0));
  }

  async #checkAfter(learning: Promise<void> | null, known: Segment, loaded: Loaded): Promise<void> {
    if (learning) await learning;
    if (this.#phase === "check") await this.#check(known, loaded, false);
  }

  /** Bytes with a hash: they match it, or they are not delivered; a guessed size does not count. `isSecond`: asked for once more. */
  async #check(known: Segment, { data: answer, timing }: Loaded, isSecond: boolean): Promise<void> {
    this.#phase = "check";
    const guess = known[GUESS];
    const data = guess ? answer : inside(known, answer);
    const hash = await sha256(data).catch(() => null);
    if (this.#phase !== "check") return;
    const rateBps = isSecond ? rateOf(data, timing) : null;
    const deliver = (): void => this.#side.deliver(data, rateBps, timing.firstByteMs);
    if (hash === null) return this.#unhashed(data, deliver);
    const isSize = data.byteLength === known.bytes;
    if (hash !== known.sha256 || !(isSize || guess)) return this.#mismatched(known, isSecond);
    if (guess && !isSize) {
      guess.wrong = true;
      known = { ...known, bytes: data.byteLength };
    }
    this.#session.matched();
    this.#session.offer(known, data, timing);
    this.#finish(data.byteLength, false, deliver);
  }

  /** Nothing here can compute a hash: the player plays as it would by itself, and nothing is shared. */
  #unhashed(data: ArrayBuffer, deliver: () => void): void {
    this.#known = null;
    this.#finish(data.byteLength, false, deliver);
  }

  #mismatched(known: Segment, isSecond: boolean): void {
    this.#session.notices.mismatched(toHex(known.sha256));
    const abort = new AbortController();
    const answer = isSecond ? null : this.#side.again(abort.signal);
    if (answer) return void this.#again(known, answer, abort);
    this.#session.lost();
    this.end();
    this.#side.fail(...BAD_BYTES);
  }

  async #again(known: Segment, answer: Promise<Loaded>, abort: AbortController): Promise<void> {
    this.#phase = "again";
    this.#cancel = () => abort.abort();
    try {
      const loaded = await answer;
      if (this.#phase !== "again") return;
      this.#cancel = null;
      await this.#check(this.#side.find(loaded.data.byteLength) ?? known, loaded, true);
    } catch (error) {
      if (this.#phase === "again") this.#againFailed(error);
    }
  }

  #againFailed(error: unknown): void {
    this.end();
    if (isTimeout(error)) this.#side.timeOut();
    else this.#side.fail(error instanceof StatusError ? error.status : 0, String(error));
  }

  #finish(bytes: number, bySwarm: boolean, deliver: () => void): void {
    this.end();
    deliver();
    if (!bySwarm) this.#announce(bytes);
    this.#session.delivered(bytes);
  }

  #announce(bytes: number): void {
    if (!this.#side.facts) return;
    const { facts, rendition, sn } = this.#side;
    this.#session.notices.played({ ...facts, rendition, sn, bytes, hash: this.#known && toHex(this.#known.sha256) });
  }
}

/**
 * What the hash is of, in an answer that is longer: a resource may have grown since it was published, and a CDN that does not
 * know byte ranges, or a cache on the way, answers with the whole.
 */
function inside({ offset, bytes }: Segment, data: ArrayBuffer): ArrayBuffer {
  const first = offset ?? 0;
  const isLonger = data.byteLength > bytes && data.byteLength >= first + bytes;
  return isLonger ? data.slice(first, first + bytes) : data;
}

function rateOf(data: ArrayBuffer, { transferMs }: Timing): number {
  return (8000 * data.byteLength) / Math.max(1, transferMs);
}

/** What a CDN says to a request that lacks something which only the player's loader adds. */
function isRefusal(code: string, status: number): boolean {
  if (code === "cdn-network" || code === "cdn-request" || code === "cdn-range") return true;
  return code === "cdn-status" && status >= 400 && status < 500 && ![404, 410, 429].includes(status);
}
