import type { Counters } from "./counters.js";
import { limit } from "./limit.js";
import type { Timing } from "./session.js";

/** An HTTP answer that is no success. */
export class StatusError extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text || `the CDN answered ${status}`);
    this.status = status;
  }
}

/** Bytes from the CDN, and how long they took. */
export interface Loaded {
  readonly data: ArrayBuffer;
  readonly timing: Timing;
}

/** What is loaded again. */
export interface Again {
  readonly url: string;
  /** Its byte range; null: the whole resource. */
  readonly range: { readonly offset: number; readonly bytes: number } | null;
  /** It has failed after so long, in ms. */
  readonly limitMs: number;
  readonly counters: Counters;
  /** Builds a request as the application wants it. */
  prepare(url: string, init: RequestInit): Request | Promise<Request>;
}

/**
 * Loads a segment past the HTTP cache, because what came from it was not the publisher's.
 * @throws StatusError, `limit`'s time-out, or what `fetch` throws.
 */
export async function loadAgain(what: Again, parent: AbortSignal): Promise<Loaded> {
  const { range, url } = what;
  const { done, signal } = limit(what.limitMs, parent);
  try {
    const headers = range ? { Range: `bytes=${range.offset}-${range.offset + range.bytes - 1}` } : {};
    const begun = performance.now();
    const answer = await fetch(await what.prepare(url, { cache: "reload", headers, signal }));
    const first = performance.now();
    if (!answer.ok) throw new StatusError(answer.status, answer.statusText);
    const body = await answer.arrayBuffer();
    what.counters.received(body.byteLength);
    const data = range && answer.status === 200 ? body.slice(range.offset, range.offset + range.bytes) : body;
    return { data, timing: { firstByteMs: first - begun, transferMs: performance.now() - first } };
  } finally {
    done();
  }
}
