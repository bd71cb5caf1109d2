import { loaderClass } from "./hls-loader.js";
import { HlsPlugin } from "./hls-plugin.js";
import type { HlsConfig, HlsInstance } from "./hls-types.js";
import { resolveOptions } from "./options.js";
import type { Swarmline } from "./swarmline.js";
import type { SwarmlineOptions } from "./types.js";

export { SwarmlineError } from "./errors.js";
export { Swarmline } from "./swarmline.js";
export type * from "./types.js";

/** What is added to the configuration of hls.js. */
export interface SwarmlineHlsConfig {
  /** Swarmline's options. */
  swarmline?: SwarmlineOptions;
}

/** What is added to an instance of hls.js. */
export interface SwarmlineHls {
  /** The swarm of this player. */
  readonly swarmline: Swarmline;
}

/** Any class that can stand for hls.js. */
export type HlsClass = new (config?: never) => { readonly config: object; destroy(): void };

type Config<T> = T extends new (config?: infer C) => unknown ? NonNullable<C> : never;

/** The class that `withSwarmline` makes: everything the given class has, and `swarmline`. */
export type SwarmlineHlsClass<T extends HlsClass> = {
  new (config?: Config<T> & SwarmlineHlsConfig): InstanceType<T> & SwarmlineHls;
} & { [K in keyof T]: T[K] };

/**
 * Makes a subclass of hls.js (1.5 or later, any build) whose players share segments with other viewers of the
 * same stream. The given class stays as it is.
 *
 * ```ts
 * const SwarmHls = withSwarmline(Hls);
 * const hls = new SwarmHls({ swarmline: { trackers: ["wss://tracker.example"] } });
 * ```
 *
 * The constructor throws a `SwarmlineError` for an option that is unknown or out of range. Requests for segments
 * go through `fLoader`; an `fLoader` of the application's own is used wherever Swarmline does not load.
 */
export function withSwarmline<T extends HlsClass>(Hls: T): SwarmlineHlsClass<T> {
  const Base = Hls as unknown as HlsBase;

  class SwarmHls extends Base {
    readonly #plugin: HlsPlugin;

    constructor(config: Partial<HlsConfig> & SwarmlineHlsConfig = {}) {
      const plugin = new HlsPlugin(resolveOptions(config.swarmline), config.fLoader);
      super({ ...config, fLoader: loaderClass(plugin) });
      this.#plugin = plugin;
      plugin.connect(this, Base.Events);
    }

    get swarmline(): Swarmline {
      return this.#plugin.swarmline;
    }

    override destroy(): void {
      super.destroy();
      this.#plugin.destroy();
    }
  }

  return SwarmHls as unknown as SwarmlineHlsClass<T>;
}

interface HlsBase {
  new (config: object): HlsInstance;
  readonly Events: Readonly<Record<string, string>>;
}
