/**
 * What Swarmline uses of hls.js, 1.5 and later, as structure: the package has no dependency on one
 * version's types, and an application's own `Hls` class fits as it is.
 */

/** `stats` of a loader: hls.js keeps a reference from before `load`, and reads and writes it. */
export interface LoaderStats {
  aborted: boolean;
  loaded: number;
  retry: number;
  total: number;
  chunkCount: number;
  bwEstimate: number;
  loading: { start: number; first: number; end: number };
  parsing: { start: number; end: number };
  buffering: { start: number; first: number; end: number };
}

/** One media segment, or an init segment. */
export interface Fragment {
  readonly type: string;
  readonly sn: number | "initSegment";
  readonly level: number;
  readonly start: number;
  readonly duration: number;
  readonly url: string;
  readonly baseurl: string;
  readonly byteRangeStartOffset?: number | undefined;
  readonly byteRangeEndOffset?: number | undefined;
}

/** A media playlist. In a delta playlist that failed, fragments can be null. */
export interface LevelDetails {
  readonly fragments: readonly (Fragment | null)[];
  readonly live: boolean;
  readonly m3u8: string;
  readonly url: string;
  readonly startSN: number;
  readonly endSN: number;
}

/** What a fragment loader is asked for. `rangeEnd` is exclusive, 0: no range. */
export interface FragmentContext {
  url: string;
  readonly frag: Fragment;
  readonly part: object | null;
  readonly responseType: string;
  headers?: Record<string, string>;
  readonly rangeStart?: number;
  readonly rangeEnd?: number;
}

export interface LoadPolicy {
  readonly maxTimeToFirstByteMs: number;
  readonly maxLoadTimeMs: number;
}

export interface LoaderConfiguration {
  readonly loadPolicy: LoadPolicy;
  readonly highWaterMark?: number;
}

export interface LoaderResponse {
  readonly url: string;
  readonly data?: unknown;
  readonly code?: number;
}

/** The order of arguments differs from callback to callback, in every version alike. */
export interface LoaderCallbacks {
  onSuccess(response: LoaderResponse, stats: LoaderStats, context: FragmentContext, details: unknown): void;
  onError(
    error: { code: number; text: string },
    context: FragmentContext,
    details: unknown,
    stats: LoaderStats,
  ): void;
  onTimeout(stats: LoaderStats, context: FragmentContext, details: unknown): void;
  onAbort?(stats: LoaderStats, context: FragmentContext, details: unknown): void;
  onProgress?(stats: LoaderStats, context: FragmentContext, data: unknown, details: unknown): void;
}

export interface FragmentLoader {
  stats: LoaderStats;
  context: FragmentContext | null;
  load(context: FragmentContext, config: LoaderConfiguration, callbacks: LoaderCallbacks): void;
  abort(): void;
  destroy(): void;
  getCacheAge?(): number | null;
  getResponseHeader?(name: string): string | null;
}

export type FragmentLoaderClass = new (config: HlsConfig) => FragmentLoader;

/** The configuration of one player instance. */
export interface HlsConfig {
  loader: FragmentLoaderClass;
  fLoader?: FragmentLoaderClass | undefined;
  progressive?: boolean;
  maxBufferHole?: number;
  xhrSetup?: unknown;
  fetchSetup?: ((context: FragmentContext, init: RequestInit) => Request | Promise<Request>) | undefined;
}

/** A player instance. */
export interface HlsInstance {
  readonly config: HlsConfig;
  /** Whether it has gone to where playback begins. Since hls.js 1.6. */
  readonly hasEnoughToStart?: boolean;
  /** Where playback begins, in seconds; -1 while that is not decided. Since hls.js 1.6. */
  readonly startPosition?: number;
  readonly levels: readonly { readonly details?: LevelDetails | undefined }[];
  readonly audioTracks: readonly { readonly details?: LevelDetails | undefined }[];
  on(event: string, listener: (event: string, data: never) => void): void;
  destroy(): void;
}
