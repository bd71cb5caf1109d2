import type { LoaderOwner } from "./hls-loader.js";
import type { FragmentContext, LoaderResponse, LoaderStats } from "./hls-types.js";

/** An HTTP answer that is no success. */
export class StatusError extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text || `the CDN answered ${status}`);
    this.status = status;
  }
}

/** A response with its bytes. */
export interface Loaded {
  readonly response: LoaderResponse & { readonly data: ArrayBuffer };
  readonly details: Response;
}

/**
 * Loads a segment past the HTTP cache, because what came from it was not the publisher's. Keeps `stats` as
 * hls.js's own loaders do.
 * @throws StatusError, or what `fetch` throws.
 */
export async function loadAgain(
  owner: LoaderOwner,
  context: FragmentContext,
  stats: LoaderStats,
  signal: AbortSignal,
): Promise<Loaded> {
  const { rangeStart = 0, rangeEnd = 0, url } = context;
  const headers = rangeEnd ? { Range: `bytes=${rangeStart}-${rangeEnd - 1}` } : {};
  stats.loading.start = performance.now();
  stats.loading.first = stats.loading.end = stats.loaded = 0;
  const details = await fetch(await owner.prepare(url, { cache: "reload", headers, signal }));
  stats.loading.first = performance.now();
  if (!details.ok) throw new StatusError(details.status, details.statusText);
  const body = await details.arrayBuffer();
  stats.loading.end = performance.now();
  owner.session.counters.received(body.byteLength);
  const data = rangeEnd && details.status === 200 ? body.slice(rangeStart, rangeEnd) : body;
  stats.loaded = stats.total = data.byteLength;
  return { response: { url: details.url, data, code: details.status }, details };
}
