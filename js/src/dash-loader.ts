import { loadAgain } from "./again.js";
import type { Loaded } from "./again.js";
import { DashChunks } from "./dash-chunks.js";
import { loadCounted } from "./dash-counted.js";
import type { DashFeed } from "./dash-feed.js";
import type { DashHashes, DashSegment } from "./dash-hashes.js";
import { kindOf } from "./dash-kind.js";
import type { CommonMediaRequest, CommonMediaResponse, FragmentRequest, LoaderExtension } from "./dash-types.js";
import type { FurtherHashes } from "./further-hashes.js";
import type { Listed } from "./integrity-list.js";
import type { IntegritySource } from "./integrity-source.js";
import { trackOf } from "./known.js";
import type { Segment } from "./known.js";
import type { SegmentFacts } from "./notices.js";
import { USUAL_LIMIT_MS } from "./limit.js";
import type { Playhead } from "./playhead.js";
import { SegmentLoad } from "./segment-load.js";
import type { LoadSide } from "./segment-load.js";
import type { Session } from "./session.js";

/** The player that loaders load for. */
export interface DashOwner {
  readonly session: Session;
  readonly source: IntegritySource;
  readonly hashes: DashHashes;
  readonly further: FurtherHashes<DashSegment>;
  readonly feed: DashFeed;
  readonly playhead: Playhead;
  /** Whether there is a stream that Swarmline has to do with. */
  readonly isOpen: boolean;
  /** A request goes out: later ones of Swarmline's own carry what it carries. */
  noted(request: CommonMediaRequest): void;
  /** Builds a request as the application wants it. */
  prepare(url: string, init: RequestInit): Request | Promise<Request>;
}

/** What replaces `load` of dash.js's XHRLoader and FetchLoader. What is no media segment goes on to the player's own. */
export function loaderExtension(owner: DashOwner): LoaderExtension {
  return function () {
    const { parent } = this;
    // dash.js puts what is returned here in the parent's place.
    const stock = parent.load.bind(parent);
    return {
      load(request: CommonMediaRequest, response: CommonMediaResponse): unknown {
        const fragment = request.customData?.request;
        if (!fragment || !isMedia(fragment) || !owner.isOpen) return stock(request, response);
        owner.noted(request);
        const byPlayer = (): void => void stock(request, response);
        if (fragment.availabilityTimeComplete !== false) new DashLoad(owner, request, response, byPlayer).start();
        else if (sharesChunks(owner.session, fragment)) new DashChunks(owner, request, response).start();
        else loadCounted(owner.session, request, response, byPlayer);
        return true;
      },
    };
  };
}

/**
 * One request of dash.js. Its callbacks are read when they are called: dash.js takes `onloadend` and `onprogress`
 * away before it aborts, and then waits for `onabort`.
 */
class DashLoad implements LoadSide {
  readonly facts: Omit<SegmentFacts, "bytes">;
  readonly #owner: DashOwner;
  readonly #request: CommonMediaRequest;
  readonly #response: CommonMediaResponse;
  readonly #stock: () => void;
  readonly #fragment: FragmentRequest;
  readonly #asked: DashSegment;
  readonly #load: SegmentLoad;
  #listed: Listed | null = null;
  #segment: Segment | null = null;
  /** Transfer time that dash.js has been told of, in ms; null: nothing yet. */
  #reportedMs: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(owner: DashOwner, request: CommonMediaRequest, response: CommonMediaResponse, stock: () => void) {
    this.#owner = owner;
    this.#request = request;
    this.#response = response;
    this.#stock = stock;
    this.#fragment = request.customData.request;
    this.#asked = { url: request.url, range: readRange(this.#fragment.range), fragment: this.#fragment };
    this.facts = { kind: kindOf(this.#fragment.mediaType), duration: this.#fragment.duration };
    this.#load = new SegmentLoad(owner.session, this);
  }

  start(): void {
    const { customData, timeout = 0 } = this.#request;
    customData.abort = () => this.#abort();
    if (timeout > 0) this.#timer = setTimeout(() => this.#late(), timeout);
    this.#load.start();
  }

  get rendition(): number {
    return this.#segment?.rendition ?? -1;
  }

  get sn(): number {
    return this.#segment?.sn ?? this.#fragment.index;
  }

  find(): Segment | null {
    this.#segment = this.#inList() ?? this.#owner.hashes.segment(this.#asked);
    return this.#segment;
  }

  #inList(): Segment | null {
    const { offset = null, bytes = 0 } = this.#asked.range ?? {};
    const { feed, source } = this.#owner;
    const { startTime } = this.#fragment;
    const track = trackOf(this.facts.kind);
    this.#listed = source.find(this.#request.url, offset, bytes, startTime);
    if (!this.#listed) return null;
    feed.requested(track, this.#listed, startTime);
    return feed.segment(track, this.#listed, this.#request.url, startTime);
  }

  #unknown(): void {
    this.#owner.source.lacks(this.#request.url);
    this.#owner.further.unknown(this.#asked);
  }

  pending(): Promise<void> | null {
    return this.#owner.source.pending() ?? this.#owner.further.pending(this.#asked);
  }

  late(): Promise<void> | null {
    return this.#owner.source.next();
  }

  isAhead(): boolean {
    return this.#owner.source.isBehind(this.#fragment.startTime);
  }

  lead(): number {
    return this.#owner.playhead.until(this.#fragment.startTime);
  }

  byPlayer(): void {
    const { customData } = this.#request;
    const { onloadend, onprogress } = customData;
    if (this.#listed) this.#owner.feed.withhold(this.#listed);
    else if (!this.#segment) this.#unknown();
    const begun = performance.now();
    let first = 0;
    let received = 0;
    customData.onprogress = (event) => {
      first ||= performance.now();
      received = event.loaded ?? received;
      onprogress?.(event);
    };
    customData.onloadend = () => {
      const { data, status } = this.#response;
      this.#restore(onloadend, onprogress);
      const whole = data instanceof ArrayBuffer && data.byteLength > 0 && status >= 200 && status <= 299;
      const end = performance.now();
      if (whole) return this.#load.loaded(data, { firstByteMs: (first || end) - begun, transferMs: end - (first || end) });
      this.#load.lost(received);
      this.#done();
      onloadend?.();
    };
    // The player's own loader looks after its own time-out.
    clearTimeout(this.#timer);
    this.#stock();
    const abort = customData.abort;
    customData.abort = () => {
      // While its bytes are being checked there is nothing left for the loader to abort.
      if (!this.#load.isPlayers) return this.#abort();
      this.#load.lost(received);
      this.#done();
      abort?.();
    };
  }

  learn(data: ArrayBuffer): Promise<void> | null {
    return this.#listed ? null : this.#owner.further.compare(this.#asked, this.#response, data);
  }

  again(signal: AbortSignal): Promise<Loaded> {
    const { session } = this.#owner;
    const what = {
      url: this.#request.url,
      range: this.#asked.range,
      limitMs: this.#request.timeout || USUAL_LIMIT_MS,
      counters: session.counters,
      prepare: (url: string, init: RequestInit) => this.#owner.prepare(url, init),
    };
    return loadAgain(what, signal);
  }

  progress(loaded: number, total: number, activeMs: number): void {
    if (this.#reportedMs === null) this.#report(0, total, 1);
    this.#reportedMs ??= 0;
    const ms = Math.max(1, activeMs - this.#reportedMs);
    this.#reportedMs += ms;
    this.#report(loaded, total, ms);
  }

  /** dash.js divides the bytes by the times of all reports, but for the first one, which stands for the first byte. */
  #report(loaded: number, total: number, time: number): void {
    this.#request.customData.onprogress?.({ loaded, total, lengthComputable: true, time });
  }

  deliver(data: ArrayBuffer, rateBps: number | null, firstByteMs: number): void {
    const bytes = data.byteLength;
    this.#done();
    if (rateBps !== null) {
      if (this.#reportedMs === null) this.#report(0, bytes, Math.max(1, firstByteMs));
      // What is left makes the whole the rate at which the bytes really came.
      const transfer = rateBps > 0 ? (8000 * bytes) / rateBps : 1;
      this.#report(bytes, bytes, Math.max(1, transfer - (this.#reportedMs ?? 0)));
      this.#respond(200, "OK");
    }
    this.#response.data = data;
    this.#request.customData.onloadend?.();
  }

  fail(status: number, message: string): void {
    this.#done();
    this.#respond(status, message);
    this.#response.data = undefined;
    this.#request.customData.onloadend?.();
  }

  #respond(status: number, statusText: string): void {
    Object.assign(this.#response, { url: this.#request.url, status, statusText, headers: {} });
  }

  timeOut(): void {
    this.#request.customData.ontimeout?.({ lengthComputable: false });
    this.fail(0, "timeout");
  }

  #late(): void {
    this.#load.end();
    this.timeOut();
  }

  #abort(): void {
    this.#load.end();
    this.#done();
    // dash.js plays nothing of it, but the application's interceptors would see what may not be the publisher's.
    this.#respond(0, "aborted");
    this.#response.data = undefined;
    this.#request.customData.onabort?.();
  }

  /** dash.js may have taken its callbacks away meanwhile, and then they stay away. */
  #restore(onloadend: CommonMediaRequest["customData"]["onloadend"], onprogress: CommonMediaRequest["customData"]["onprogress"]): void {
    const { customData } = this.#request;
    if (customData.onloadend) customData.onloadend = onloadend;
    if (customData.onprogress) customData.onprogress = onprogress;
  }

  #done(): void {
    clearTimeout(this.#timer);
    if (this.#listed) this.#owner.feed.release(this.#listed);
  }
}

/**
 * Media segments of video and audio; no init segments, text or thumbnails. dash.js asks for a file's index under the name
 * of a media segment, but of no time.
 */
function isMedia({ type, mediaType, isPartialSegmentRequest, startTime }: FragmentRequest): boolean {
  if (type !== "MediaSegment" || isPartialSegmentRequest || !Number.isFinite(startTime)) return false;
  return mediaType === "video" || mediaType === "audio";
}

/** Whether the chunks of a growing segment may come from peers, or go to some. */
function sharesChunks(session: Session, { range }: FragmentRequest): boolean {
  const reason = session.offReason();
  return !range && (reason === null || reason === "loading");
}

function readRange(range: string | null): DashSegment["range"] {
  const match = /^(\d+)-(\d+)$/.exec(range ?? "");
  if (!match) return null;
  const offset = Number(match[1]);
  return { offset, bytes: Number(match[2]) - offset + 1 };
}
