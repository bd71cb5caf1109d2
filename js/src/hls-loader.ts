import type { FurtherHashes } from "./further-hashes.js";
import type { HlsFeed } from "./hls-feed.js";
import type { HlsHashes } from "./hls-hashes.js";
import { HlsLoad } from "./hls-load.js";
import type {
  Fragment,
  FragmentContext,
  FragmentLoader,
  FragmentLoaderClass,
  HlsConfig,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderStats,
} from "./hls-types.js";
import type { IntegritySource } from "./integrity-source.js";
import type { Known } from "./known.js";
import type { Playhead } from "./playhead.js";
import type { Session } from "./session.js";

/** The player that loaders load for. */
export interface LoaderOwner {
  readonly session: Session;
  readonly hashes: HlsHashes;
  readonly further: FurtherHashes<Fragment>;
  readonly feed: HlsFeed;
  readonly playhead: Playhead;
  readonly source: IntegritySource;
  /** The hash of a fragment, if there is one by now; `bytes`: so many have come of it. */
  known(frag: Fragment, bytes?: number): Known | null;
  /** SHA-256, base64url, of a fragment by a list that does not say its size; null: none does. */
  named(frag: Fragment): string | null;
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
 * A class of fragment loaders for one player. Players for interstitials and I-frames inherit it with the
 * configuration: they play other streams, and get their own loader as if nothing were here.
 */
export function loaderClass(owner: LoaderOwner): FragmentLoaderClass {
  function SwarmlineLoader(config: HlsConfig): FragmentLoader {
    const Player = owner.ownLoader ?? config.loader;
    const player = new Player(config);
    return config === owner.config ? new HlsLoader(owner, config, player) : player;
  }
  return SwarmlineLoader as unknown as FragmentLoaderClass;
}

/** What hls.js makes for one request, before it says for what. */
class HlsLoader implements FragmentLoader {
  readonly stats: LoaderStats;
  context: FragmentContext | null = null;
  readonly #owner: LoaderOwner;
  readonly #config: HlsConfig;
  readonly #player: FragmentLoader;
  #used = false;
  #load: HlsLoad | null = null;

  constructor(owner: LoaderOwner, config: HlsConfig, player: FragmentLoader) {
    this.#owner = owner;
    this.#config = config;
    this.#player = player;
    this.stats = player.stats;
  }

  load(context: FragmentContext, settings: LoaderConfiguration, callbacks: LoaderCallbacks): void {
    if (this.#used) throw new Error("Loader can only be used once.");
    this.#used = true;
    this.context = context;
    // Init segments are as good as part of the playlist: no byte of them is in any count.
    if (context.frag.sn === "initSegment") return this.#player.load(context, settings, callbacks);
    this.#load = new HlsLoad(this.#owner, this.#config, this.#player, { context, settings, callbacks });
    this.#load.start();
  }

  abort(): void {
    (this.#load ?? this.#player).abort();
  }

  destroy(): void {
    this.#load?.end();
    this.context = null;
    this.#player.destroy();
  }

  getCacheAge(): number | null {
    return this.#player.getCacheAge?.() ?? null;
  }

  getResponseHeader(name: string): string | null {
    return this.#player.getResponseHeader?.(name) ?? null;
  }
}
