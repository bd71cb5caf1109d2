/**
 * What Swarmline uses of dash.js, 5.0 and later, as structure: the package has no dependency on one version's types,
 * and an application's own player fits as it is.
 */

/** A `dashjs.MediaPlayer().create()`. */
export interface DashPlayer {
  extend(name: string, factory: LoaderExtension, override: boolean): void;
  on(type: string, listener: (event: never) => void): void;
  off(type: string, listener: (event: never) => void): void;
  getVersion(): string;
  /** Throws while there is no element. */
  getVideoElement(): HTMLMediaElement;
  updateSettings(settings: object): void;
  reset(): void;
  destroy(): void;
}

/** Called as a function with `this` set; what it returns replaces methods of the parent. */
export type LoaderExtension = (this: { readonly parent: DashLoader }) => Pick<DashLoader, "load">;

/** XHRLoader and FetchLoader. */
export interface DashLoader {
  load(request: CommonMediaRequest, response: CommonMediaResponse): unknown;
}

/** A request as HTTP; the one it was made from is in `customData`. */
export interface CommonMediaRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly credentials?: RequestCredentials;
  /** In ms; 0: none. */
  readonly timeout?: number;
  readonly customData: {
    readonly request: FragmentRequest;
    /** dash.js takes these two away before it aborts. */
    onloadend?: (() => void) | undefined;
    onprogress?: ((event: ProgressNews) => void) | undefined;
    onabort?: (() => void) | undefined;
    ontimeout?: ((event: ProgressNews) => void) | undefined;
    abort?: (() => void) | undefined;
  };
}

/** What a loader tells of its progress; `time` in ms replaces the clock. */
export interface ProgressNews {
  readonly loaded?: number;
  readonly total?: number;
  readonly lengthComputable?: boolean;
  readonly time?: number;
  /** Bytes that can be decoded already; the response then has only the rest. */
  readonly data?: ArrayBuffer;
  /** Not for the player's estimate. */
  readonly noTrace?: boolean;
}

/** What a loader fills in. */
export interface CommonMediaResponse {
  url: string;
  status: number;
  statusText?: string;
  headers: Record<string, string>;
  data?: unknown;
}

/** What the player asked for. */
export interface FragmentRequest {
  readonly type: string | null;
  readonly mediaType: string | null;
  readonly isPartialSegmentRequest?: boolean;
  /** False: the segment may still grow. */
  readonly availabilityTimeComplete?: boolean;
  readonly url: string | null;
  /** `first-last`, both inclusive. */
  readonly range: string | null;
  /** Presentation time in seconds; NaN for what is none of the presentation, such as an index. */
  readonly startTime: number;
  /** Seconds. */
  readonly duration: number;
  /** Number of the segment in its representation. */
  readonly index: number;
  readonly representation?: { readonly id?: string | null } | null;
}

/** A parsed MPD. */
export interface DashManifest {
  readonly url?: string;
  readonly originalUrl?: string;
  readonly type?: string;
  readonly SupplementalProperty?: readonly { readonly schemeIdUri?: string; readonly value?: string | null }[];
}
