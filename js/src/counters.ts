import type { SwarmlineStats } from "./types.js";

type EngineNumbers = Omit<SwarmlineStats, "enabled" | "offReason" | "offDetail" | "offload">;

const ZERO: Readonly<EngineNumbers> = Object.freeze({
  cdnBytes: 0,
  peerBytes: 0,
  uploadedBytes: 0,
  wastedBytes: 0,
  duplicateBytes: 0,
  deliveredBytes: 0,
  peers: 0,
  segmentsFromCdn: 0,
  segmentsFromPeers: 0,
  hashFailures: 0,
  bans: 0,
  stallsAvoided: 0,
  cacheBytes: 0,
  trackersConnected: 0,
});

/** These describe the present; they end with their engine. */
const LEVELS: readonly (keyof EngineNumbers)[] = ["peers", "cacheBytes", "trackersConnected"];

/**
 * The numbers of all engines there have been, and of the player's own loader. Delivered bytes are counted
 * where they are delivered, in the loader, whoever fetched them; an engine's own count of them is not used.
 */
export class Counters {
  #past: EngineNumbers = { ...ZERO };
  #engine: EngineNumbers = { ...ZERO };
  readonly #player = { ...ZERO };

  /** The latest of the present engine, as it words it. */
  engine(json: string | undefined): void {
    if (json === undefined) return;
    const read = JSON.parse(json) as Partial<Record<string, unknown>>;
    for (const name of names()) {
      const value = read[name];
      if (typeof value === "number") this.#engine[name] = value;
    }
    this.#engine.deliveredBytes = 0;
  }

  /** The present engine is gone; what it counted stays. */
  keep(): void {
    this.#past = add(this.#past, this.#engine);
    for (const level of LEVELS) this.#past[level] = 0;
    this.#engine = { ...ZERO };
  }

  /** Bytes of segments that the player's loader received, used or not. */
  received(bytes: number): void {
    this.#player.cdnBytes += bytes;
  }

  /** Bytes handed to the player, by whichever loader. */
  delivered(bytes: number): void {
    this.#player.deliveredBytes += bytes;
  }

  /** A media segment was delivered by the player's loader. */
  segment(): void {
    this.#player.segmentsFromCdn += 1;
  }

  /** The player's loader brought bytes that are not the publisher's. */
  hashFailure(): void {
    this.#player.hashFailures += 1;
  }

  sum(): EngineNumbers & { offload: number } {
    const all = add(add(this.#past, this.#engine), this.#player);
    const offload = all.deliveredBytes > 0 ? 1 - all.cdnBytes / all.deliveredBytes : 0;
    return { ...all, offload };
  }
}

function names(): (keyof EngineNumbers)[] {
  return Object.keys(ZERO) as (keyof EngineNumbers)[];
}

function add(a: EngineNumbers, b: EngineNumbers): EngineNumbers {
  const sum = { ...ZERO };
  for (const name of names()) sum[name] = a[name] + b[name];
  return sum;
}
