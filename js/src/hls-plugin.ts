import { FirstFrame } from "./first-frame.js";
import { FurtherHashes } from "./further-hashes.js";
import { HlsFeed } from "./hls-feed.js";
import { HlsHashes, range, unlisted } from "./hls-hashes.js";
import type { LoaderOwner } from "./hls-loader.js";
import type {
  Fragment,
  FragmentContext,
  FragmentLoaderClass,
  HlsConfig,
  HlsInstance,
  LevelDetails,
} from "./hls-types.js";
import type { Known } from "./known.js";
import type { GlueLoader } from "./glue.js";
import { IntegritySource } from "./integrity-source.js";
import type { ResolvedOptions } from "./options.js";
import type { LazyPublisher } from "./publisher-side.js";
import { judgeOf, publisherOf, warnOf } from "./publisher-side.js";
import { Playhead } from "./playhead.js";
import { Session } from "./session.js";
import type { Player } from "./session.js";
import { Swarmline } from "./swarmline.js";
import type { OffReason } from "./types.js";

/** The gap in seconds that hls.js plays over, where its configuration does not say. */
const DEFAULT_HOLE = 0.1;

/** All that belongs to one hls.js player, wired together. */
export class HlsPlugin implements LoaderOwner, Player {
  readonly swarmline: Swarmline;
  readonly session: Session;
  readonly hashes: HlsHashes;
  readonly source: IntegritySource;
  readonly playhead: Playhead;
  readonly feed: HlsFeed;
  readonly further: FurtherHashes<Fragment>;
  readonly firstFrame = new FirstFrame();
  readonly contexts = new Set<FragmentContext>();
  readonly ownLoader: FragmentLoaderClass | undefined;
  readonly #listUrl: string | null;
  readonly #publisher: LazyPublisher | null;
  /** Where the manifest was found. */
  #manifest: string | undefined;
  #hls: HlsInstance | null = null;

  /** `glue`: tests bring their own. */
  constructor(options: ResolvedOptions, ownLoader: FragmentLoaderClass | undefined, glue?: GlueLoader) {
    this.ownLoader = ownLoader;
    this.session = new Session(options, this, (type, detail) => this.#dispatch(type, detail), glue);
    this.swarmline = new Swarmline(this.session);
    this.playhead = new Playhead(
      () => this.feed.moved(),
      () => this.config?.maxBufferHole ?? DEFAULT_HOLE,
      () => this.#goal(),
    );
    this.#listUrl = options.integrityUrl;
    const publisher = (this.#publisher = publisherOf(options));
    this.hashes = new HlsHashes({
      judge: publisher && (({ m3u8, url }, tags) => publisher.playlist(m3u8, tags, url, this.#manifest)),
      refused: (error) => warnOf(this.session, "a playlist's hashes", error),
      listed: (frag) => this.#listed(frag),
    });
    const list = { named: (frag: Fragment) => this.named(frag), awaited: () => this.source.awaited };
    this.feed = new HlsFeed(this.session, this.hashes, this.playhead, list);
    this.source = new IntegritySource({
      prepare: (url, init) => this.prepare(url, init),
      wanted: () => this.session.wantsHashes,
      playing: () => this.playhead.rate > 0,
      over: () => this.feed.isOver,
      ...judgeOf(publisher),
      changed: () => this.feed.relisted(),
      failed: (error) => this.#listFailed(error),
    });
    this.further = new FurtherHashes(this.session, this.feed, {
      isWhole: (frag) => range(frag) === null,
      head: (frag, signal) => this.#head(frag, signal),
      view: unlisted,
      named: (frag) => (range(frag) ? null : this.named(frag)),
    });
  }

  get config(): HlsConfig | null {
    return this.#hls?.config ?? null;
  }

  /** Listens to a player. hls.js drops the listeners itself when it is destroyed. */
  connect(hls: HlsInstance, events: Readonly<Record<string, string>>): void {
    this.#hls = hls;
    hls.on("hlsManifestLoading", (_event, data: { url: string }) => this.#opened(data.url));
    hls.on("hlsManifestLoaded", (_event, data: { url: string }) => {
      this.#manifest = data.url;
    });
    hls.on("hlsLevelUpdated", (_event, data: Updated) => this.feed.updated(data.details));
    hls.on("hlsLevelPtsUpdated", (_event, data: Updated) => this.feed.shifted(data.details));
    // hls.js 1.5 has no event for an audio playlist that has been merged.
    const audio = events["AUDIO_TRACK_UPDATED"] ?? "hlsAudioTrackLoaded";
    hls.on(audio, (_event, data: Updated) => this.feed.updated(data.details));
    hls.on("hlsMediaAttached", (_event, data: { media: HTMLMediaElement }) => this.#attached(data.media));
    hls.on("hlsMediaDetaching", () => this.#detached());
  }

  /** Leaves the swarm for good. Idempotent. */
  destroy(): void {
    this.#detached();
    this.further.reset();
    this.source.close();
    this.session.destroy();
  }

  known(frag: Fragment, bytes?: number): Known | null {
    return this.hashes.find(frag) ?? this.#unread(frag) ?? this.#sized(frag, bytes);
  }

  named(frag: Fragment): string | null {
    if (!this.source.list?.names.size) return null;
    const part = range(frag);
    return this.source.named(frag.url, part?.start ?? null, part?.length ?? 0);
  }

  #listed(frag: Fragment): Known | null {
    if (!this.source.list) return null;
    const part = range(frag);
    const listed = this.source.find(frag.url, part?.start ?? null, part?.length ?? 0, frag.start);
    if (listed) return { sha256: listed.sha256, root: listed.root, bytes: listed.bytes };
    return part && this.#sized(frag, part.length);
  }

  /** The size is what a list of PeerTube's does not tell. */
  #sized(frag: Fragment, bytes: number | undefined): Known | null {
    const sha256 = bytes === undefined ? null : this.named(frag);
    return sha256 === null || bytes === undefined ? null : { sha256, root: null, bytes };
  }

  obstacle(): OffReason | null {
    return this.mayFetch ? null : "xhr-setup";
  }

  get mayFetch(): boolean {
    const config = this.config;
    return !config?.xhrSetup || !!config.fetchSetup || !!config.progressive;
  }

  async prepare(url: string, init: RequestInit): Promise<Request> {
    const context = this.#context(url);
    const headers = new Headers(context.headers);
    new Headers(init.headers).forEach((value, name) => headers.set(name, value));
    // As hls.js's own fetch loader does.
    const params: RequestInit = { method: "GET", mode: "cors", credentials: "same-origin", ...init, headers };
    const setup = this.config?.fetchSetup;
    const request = setup ? await setup(context, params) : new Request(url, params);
    return setup ? keep(request, params, headers) : request;
  }

  replay(): void {
    this.feed.replay();
  }

  /** Where playback is about to begin. */
  #goal(): number | undefined {
    const { hasEnoughToStart, startPosition = -1 } = this.#hls ?? {};
    return hasEnoughToStart === false && startPosition >= 0 ? startPosition : undefined;
  }

  #attached(media: HTMLMediaElement): void {
    this.playhead.attach(media);
    this.firstFrame.attach(media);
  }

  #detached(): void {
    this.playhead.detach();
    this.firstFrame.detach();
  }

  #opened(url: string): void {
    this.#manifest = undefined;
    this.#publisher?.opened(url);
    this.feed.reset();
    this.further.reset();
    this.session.open(url);
    this.source.open(this.#listUrl);
  }

  #listFailed(error: Error): void {
    warnOf(this.session, "the integrity list", error);
    // The playlists may have tags all the same.
    if (!this.source.list) this.feed.relisted();
  }

  /** hls.js 1.5 loads audio before it tells of the playlist. */
  #unread(frag: Fragment): Known | null {
    const { levels = [], audioTracks = [] } = this.#hls ?? {};
    for (const { details } of [...levels, ...audioTracks]) {
      if (details?.fragments.includes(frag)) this.hashes.read(details);
    }
    return this.hashes.find(frag);
  }

  /** The player's own request for a URL if there is one, else one as it would be. */
  #context(url: string): FragmentContext {
    for (const context of this.contexts) if (context.url === url) return { ...context };
    const frag = this.config?.fetchSetup ? this.feed.fragmentAt(url) : null;
    return { url, frag: frag as Fragment, part: null, responseType: "arraybuffer", headers: {} };
  }

  async #head(frag: Fragment, signal: AbortSignal): Promise<Response> {
    return fetch(await this.prepare(frag.url, { method: "HEAD", signal }));
  }

  #dispatch(type: string, detail: unknown): void {
    this.swarmline.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

interface Updated {
  readonly details: LevelDetails;
}

/** What a `fetchSetup` that makes a request of its own must not lose. */
function keep(request: Request, params: RequestInit, headers: Headers): Request {
  const range = headers.get("range");
  const init: RequestInit = {};
  if (params.signal) init.signal = params.signal;
  if (params.cache) init.cache = params.cache;
  const kept = new Request(request, init);
  if (range !== null && !kept.headers.has("range")) kept.headers.set("range", range);
  return kept;
}
