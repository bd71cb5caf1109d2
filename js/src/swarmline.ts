import type { Session } from "./session.js";
import type { SwarmlineEventMap, SwarmlineStats } from "./types.js";

/** One player's view of its swarm: counters, events, a switch. Made by the plug-ins, as `hls.swarmline`. */
export class Swarmline extends EventTarget {
  readonly #session: Session;

  /** @internal Plug-ins make it. */
  constructor(session: Session) {
    super();
    this.#session = session;
  }

  /** Whether the application wants P2P. Whether it runs is in `stats().offReason`. */
  get enabled(): boolean {
    return this.#session.enabled;
  }

  /** Switches P2P on or off while playing. Off: peers are left, and the player's own loader does all. */
  setEnabled(on: boolean): void {
    this.#session.setEnabled(on);
  }

  /** The counters, as a plain object. Cheap enough for several calls a second. */
  stats(): SwarmlineStats {
    return this.#session.stats();
  }

  /** Leaves the swarm for good; the player plays on without. Idempotent, and part of `hls.destroy()`. */
  destroy(): void {
    this.#session.destroy();
  }
}

type Listener<K extends keyof SwarmlineEventMap> =
  | ((this: Swarmline, event: SwarmlineEventMap[K]) => void)
  | { handleEvent(event: SwarmlineEventMap[K]): void };

/** Typed events. */
export interface Swarmline {
  addEventListener<K extends keyof SwarmlineEventMap>(
    type: K,
    listener: Listener<K> | null,
    options?: AddEventListenerOptions | boolean,
  ): void;
  removeEventListener<K extends keyof SwarmlineEventMap>(
    type: K,
    listener: Listener<K> | null,
    options?: EventListenerOptions | boolean,
  ): void;
}
