import { DashFeed } from "./dash-feed.js";
import { DashHashes, unlisted } from "./dash-hashes.js";
import type { DashSegment } from "./dash-hashes.js";
import { loaderExtension } from "./dash-loader.js";
import type { DashOwner } from "./dash-loader.js";
import type { CommonMediaRequest, DashManifest, DashPlayer } from "./dash-types.js";
import { FirstFrame } from "./first-frame.js";
import { FurtherHashes } from "./further-hashes.js";
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

const SCHEME = "urn:swarmline:integrity:2026";
/** The gap in seconds that dash.js plays over. */
const HOLE = 0.1;

/** All that belongs to one dash.js player, wired together. */
export class DashPlugin implements DashOwner, Player {
  readonly swarmline: Swarmline;
  readonly session: Session;
  readonly source: IntegritySource;
  readonly feed: DashFeed;
  readonly playhead: Playhead;
  readonly hashes: DashHashes;
  readonly further: FurtherHashes<DashSegment>;
  readonly firstFrame = new FirstFrame();
  readonly #player: DashPlayer;
  readonly #options: ResolvedOptions;
  readonly #publisher: LazyPublisher | null;
  #manifest: string | null = null;
  /** Where the manifest was found that names the list; the application may name another one. */
  #lister: string | undefined;
  #media: HTMLMediaElement | null = null;
  #headers: Readonly<Record<string, string>> = {};
  #credentials: RequestCredentials = "omit";

  /** `glue`: tests bring their own. */
  constructor(player: DashPlayer, options: ResolvedOptions, glue?: GlueLoader) {
    this.#player = player;
    this.#options = options;
    this.#publisher = publisherOf(options);
    this.session = new Session(options, this, (type, detail) => this.#dispatch(type, detail), glue);
    this.swarmline = new Swarmline(this.session);
    this.playhead = new Playhead(
      () => this.feed.moved(),
      () => HOLE,
      () => undefined,
    );
    this.feed = new DashFeed(this.session, this.playhead);
    this.hashes = new DashHashes(this.session, this.feed);
    this.further = new FurtherHashes(this.session, this.hashes, {
      isWhole: ({ range }) => range === null,
      head: ({ url }, signal) => fetch(this.prepare(url, { method: "HEAD", signal })),
      view: unlisted,
    });
    this.source = new IntegritySource({
      prepare: (url, init) => this.prepare(url, init),
      wanted: () => this.session.wantsHashes,
      playing: () => this.playhead.rate > 0,
      ...judgeOf(this.#publisher, () => this.#lister),
      changed: (list) => this.feed.updated(list),
      failed: (error) => this.#listFailed(error),
    });
  }

  /** Takes the player's requests for segments from now on. */
  connect(): void {
    const player = this.#player;
    for (const name of ["XHRLoader", "FetchLoader"]) player.extend(name, loaderExtension(this), true);
    player.on("manifestLoaded", (event: { data?: DashManifest | null }) => this.#manifestLoaded(event.data ?? null));
    player.on("streamInitialized", () => this.#look());
    player.on("playbackMetaDataLoaded", () => this.#look());
    // Both take the stream away, and tell nobody.
    for (const method of ["reset", "destroy"] as const) {
      const own = player[method];
      player[method] = () => {
        this.#closed();
        if (method === "destroy") this.session.destroy();
        own.call(player);
      };
    }
  }

  get isOpen(): boolean {
    this.#look();
    return this.#manifest !== null && !this.session.destroyed;
  }

  noted({ headers, credentials }: CommonMediaRequest): void {
    this.#headers = headers ?? {};
    this.#credentials = credentials ?? "omit";
  }

  prepare(url: string, init: RequestInit): Request {
    const headers = new Headers();
    for (const [name, value] of Object.entries(this.#headers)) {
      if (value && name.toLowerCase() !== "range") headers.set(name, value);
    }
    new Headers(init.headers).forEach((value, name) => headers.set(name, value));
    return new Request(url, { method: "GET", mode: "cors", credentials: this.#credentials, ...init, headers });
  }

  obstacle(): OffReason | null {
    return null;
  }

  replay(): void {
    this.feed.replay();
  }

  /** Comes with every refresh of the manifest. */
  #manifestLoaded(manifest: DashManifest | null): void {
    const url = manifest?.originalUrl ?? manifest?.url;
    if (!manifest || url === undefined || this.session.destroyed) return;
    this.#look();
    if (url === this.#manifest) return;
    this.#manifest = url;
    // What the browser measured of a URL is not what Swarmline did with it.
    this.#player.updateSettings({ streaming: { abr: { throughput: { useResourceTimingApi: false } } } });
    this.#reset();
    this.session.open(url);
    this.#publisher?.opened(url);
    const { integrityUrl } = this.#options;
    const found = manifest.url ?? url;
    this.#lister = integrityUrl ? undefined : found;
    const list = integrityUrl ?? listOf(manifest, found);
    this.source.open(list);
    if (list === null) this.session.sawPlaylist(false);
  }

  #closed(): void {
    this.#manifest = null;
    this.source.close();
    this.#reset();
    this.#attach(null);
    this.session.close();
  }

  #reset(): void {
    this.feed.reset();
    this.hashes.reset();
    this.further.reset();
  }

  /** The element may be given before or after the stream, and may be another one later. */
  #look(): void {
    if (!this.session.destroyed) this.#attach(element(this.#player));
  }

  #attach(media: HTMLMediaElement | null): void {
    if (media === this.#media) return;
    this.#media = media;
    if (media) {
      this.playhead.attach(media);
      this.firstFrame.attach(media);
    } else {
      this.playhead.detach();
      this.firstFrame.detach();
    }
  }

  #listFailed(error: Error): void {
    warnOf(this.session, "the integrity list", error);
    if (!this.source.list) this.session.sawPlaylist(false);
  }

  #dispatch(type: string, detail: unknown): void {
    this.swarmline.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function listOf(manifest: DashManifest, base: string): string | null {
  const property = manifest.SupplementalProperty?.find(({ schemeIdUri }) => schemeIdUri === SCHEME);
  try {
    return property?.value ? new URL(property.value, new URL(base, document.baseURI)).href : null;
  } catch {
    return null;
  }
}

function element(player: DashPlayer): HTMLMediaElement | null {
  try {
    return player.getVideoElement();
  } catch {
    return null;
  }
}
