import { onPoison, panicked, poison } from "./glue.js";
import type { Client, Closable, Glue, Host } from "./glue.js";
import type { Segment } from "./known.js";

/** What can happen to a load that the engine took. Exactly one of `deliver`, `fail`, `lost` is called. */
export interface LoadHandlers {
  /** The verified segment, a copy of its own; the rate and first-byte time are for the player's estimate. */
  deliver(data: ArrayBuffer, rateBps: number, firstByteMs: number): void;
  /** The CDN failed, and no peer could help. */
  fail(code: string, status: number, message: string): void;
  /** Real counters of an urgent transfer. May come many times, or never. */
  progress(loaded: number, total: number, activeMs: number): void;
  /** The engine is gone or does not answer: whoever asked must load by other means. */
  lost(): void;
}

/** A load under way. */
export interface Ticket {
  /** Gives it up; no handler is called afterwards. */
  abort(): void;
}

/** What an engine needs to be made. */
export interface EngineSetup {
  readonly options: Readonly<Record<string, unknown>>;
  readonly iceServers: readonly RTCIceServer[];
  /** Builds a CDN request as the application wants it. */
  prepare(url: string, init: RequestInit): Request | Promise<Request>;
  /** News, as the engine words it. */
  notice(json: string): void;
  /** Something unexpected inside; not fatal. */
  warn(code: string, message: string): void;
  /** The whole instance broke. Its loads were told `lost` already. */
  broken(message: string): void;
}

interface Pending {
  readonly handlers: LoadHandlers;
  readonly patienceMs: number;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * One engine inside the WebAssembly instance, fenced off: whatever it does, no exception gets out, each
 * load is answered, and after a panic nothing of it stays open and nothing calls it again.
 */
export class Engine {
  readonly #setup: EngineSetup;
  readonly #loads = new Map<number, Pending>();
  readonly #retained = new Set<Closable>();
  readonly #forget: () => void;
  #client: Client | null = null;
  #lastLoad = 0;

  /** @throws what the engine's constructor throws. */
  constructor(glue: Glue, setup: EngineSetup) {
    this.#setup = setup;
    const rtc = setup.iceServers.length > 0 ? { iceServers: setup.iceServers } : undefined;
    this.#client = new glue.Client(JSON.stringify(setup.options), rtc, this.#host());
    this.#forget = onPoison((message) => this.#break(message));
  }

  playlist(json: string): void {
    this.#call((client) => client.playlist(json));
  }

  playhead(position: number | undefined, rate: number): void {
    this.#call((client) => client.playhead(position, rate));
  }

  insert(segment: Segment, data: ArrayBuffer, firstByteMs: number, transferMs: number): void {
    this.#call((client) => client.insert(JSON.stringify(segment), data, firstByteMs, transferMs));
  }

  switch(on: boolean): void {
    this.#call((client) => client.switch(on));
  }

  /** The engine's counters as JSON; undefined once it is gone. */
  stats(): string | undefined {
    return this.#call((client) => client.stats());
  }

  /**
   * Asks for a segment. `patienceMs` is how long it may stay silent before it counts as hung.
   * Null: it cannot take it; load by other means.
   */
  load(segment: Segment, handlers: LoadHandlers, patienceMs: number): Ticket | null {
    const load = (this.#lastLoad += 1);
    const timer = setTimeout(() => this.#silent(load), patienceMs);
    this.#loads.set(load, { handlers, patienceMs, timer });
    const taken = this.#call((client) => {
      client.load(load, JSON.stringify(segment));
      return true;
    });
    // Gone from the map without an exception: it was answered at once, and the caller knows.
    if (!taken && this.#settle(load)) return null;
    return { abort: () => this.#abort(load) };
  }

  /** Says bye to peers and trackers and closes everything. Answers the loads that were under way. */
  close(): LoadHandlers[] {
    const client = this.#client;
    this.#call((live) => live.dispose());
    this.#client = null;
    this.#forget();
    // A host method may have brought us here from inside a call; free() must not run under it.
    if (client) queueMicrotask(() => free(client));
    return this.#unanswered();
  }

  #host(): Host {
    return {
      deliver: (load, data, rateBps, firstByteMs) =>
        this.#settle(load)?.deliver(data, rateBps, firstByteMs),
      fail: (load, code, status, message) => this.#settle(load)?.fail(code, status, message),
      progress: (load, loaded, total, activeMs) => this.#progress(load, loaded, total, activeMs),
      notice: (json) => this.#setup.notice(json),
      prepare: (url, init) => this.#setup.prepare(url, init),
      retain: (resource) => void this.#retained.add(resource),
      release: (resource) => void this.#retained.delete(resource),
    };
  }

  #call<T>(use: (client: Client) => T): T | undefined {
    if (!this.#client || panicked() !== null) return undefined;
    try {
      return use(this.#client);
    } catch (error) {
      this.#caught(error);
      return undefined;
    }
  }

  #caught(error: unknown): void {
    // A trap leaves the instance in an unknown state, whether or not the panic hook got to speak.
    if (error instanceof WebAssembly.RuntimeError) poison(String(error));
    else if (panicked() === null) this.#setup.warn("engine-error", String(error));
  }

  #progress(load: number, loaded: number, total: number, activeMs: number): void {
    const pending = this.#loads.get(load);
    if (!pending) return;
    clearTimeout(pending.timer);
    pending.timer = setTimeout(() => this.#silent(load), pending.patienceMs);
    pending.handlers.progress(loaded, total, activeMs);
  }

  #silent(load: number): void {
    this.#setup.warn("engine-silent", `load ${load} was not answered in time`);
    const handlers = this.#settle(load);
    this.#call((client) => client.abort(load));
    handlers?.lost();
  }

  #abort(load: number): void {
    if (this.#settle(load)) this.#call((client) => client.abort(load));
  }

  #settle(load: number): LoadHandlers | undefined {
    const pending = this.#loads.get(load);
    if (!pending) return undefined;
    clearTimeout(pending.timer);
    this.#loads.delete(load);
    return pending.handlers;
  }

  #unanswered(): LoadHandlers[] {
    const loads = [...this.#loads.keys()];
    return loads.map((load) => this.#settle(load)).filter((handlers) => handlers !== undefined);
  }

  /** Runs inside the panic hook: the instance is about to trap. */
  #break(message: string): void {
    this.#client = null;
    for (const resource of this.#retained) shut(resource);
    this.#retained.clear();
    for (const handlers of this.#unanswered()) handlers.lost();
    this.#setup.broken(message);
  }
}

function free(client: Client): void {
  try {
    if (panicked() === null) client.free();
  } catch {
    // Still borrowed: the garbage collector frees it later.
  }
}

/** Closes what a broken instance left open. Its listeners know that it is broken, and do nothing. */
function shut(resource: Closable): void {
  try {
    if (resource instanceof AbortController) resource.abort();
    else resource.close();
  } catch {
    // Already closed.
  }
}
