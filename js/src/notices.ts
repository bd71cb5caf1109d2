import type { Counters } from "./counters.js";
import type { SegmentDetail, SwarmlineEventMap } from "./types.js";

/** Sends an event to the application. */
export type Emit = <K extends keyof SwarmlineEventMap>(
  type: K,
  detail: SwarmlineEventMap[K]["detail"],
) => void;

/** What the player side knows of a segment and the engine does not. */
export type SegmentFacts = Pick<SegmentDetail, "kind" | "bytes" | "duration">;

const MOST_FACTS = 64;

/** The engine's news, made into the application's events. */
export class Notices {
  readonly #emit: Emit;
  readonly #counters: Counters;
  readonly #facts = new Map<string, SegmentFacts>();

  constructor(emit: Emit, counters: Counters) {
    this.#emit = emit;
    this.#counters = counters;
  }

  /** Remembers what the player asked the engine for. */
  expect(rendition: number, sn: number, facts: SegmentFacts): void {
    const key = `${rendition}/${sn}`;
    this.#facts.delete(key);
    this.#facts.set(key, facts);
    const [oldest] = this.#facts.keys();
    if (this.#facts.size > MOST_FACTS && oldest !== undefined) this.#facts.delete(oldest);
  }

  /** The player's loader delivered a media segment. */
  played(detail: Omit<SegmentDetail, "peerBytes" | "cdnBytes" | "slackMs" | "loader">): void {
    this.#counters.segment();
    const cdnBytes = detail.bytes;
    this.#emit("segment", { ...detail, peerBytes: 0, cdnBytes, slackMs: null, loader: "player" });
  }

  /** The player's loader brought bytes that are not the publisher's. */
  mismatched(hash: string): void {
    this.#counters.hashFailure();
    this.#emit("hashfailure", { hash, fromCdn: true });
  }

  /** One notice of the engine. An unknown type is news of a later version, and skipped. */
  receive(json: string): void {
    const notice = JSON.parse(json) as { type: string };
    if (notice.type === "segment") this.#segment(notice as unknown as EngineSegment);
    else if (isForwarded(notice.type)) {
      const { type, ...detail } = notice;
      this.#emit(notice.type, detail as never);
    }
  }

  #segment(notice: EngineSegment): void {
    const { hash, sn, rendition, peerBytes, cdnBytes, slackMs } = notice;
    const bytes = peerBytes + cdnBytes;
    const facts = this.#facts.get(`${rendition}/${sn}`) ?? { kind: "main", bytes, duration: 0 };
    const counts = { peerBytes, cdnBytes, slackMs };
    this.#emit("segment", { hash, sn, rendition, ...facts, ...counts, loader: "swarm" });
  }
}

type EngineSegment = Omit<SegmentDetail, keyof SegmentFacts | "loader">;

const FORWARDED = ["peerconnect", "peerdisconnect", "hashfailure", "tracker", "trackerwarning"] as const;

function isForwarded(type: string): type is (typeof FORWARDED)[number] {
  return (FORWARDED as readonly string[]).includes(type);
}
