import { StatusError } from "./again.js";
import type { DashOwner } from "./dash-loader.js";

/** What is wanted of a resource. */
export interface Part {
  readonly url: string;
  /** First byte. */
  readonly offset: number;
  /** How many; null: all that follow, as they come. */
  readonly bytes: number | null;
  readonly signal: AbortSignal;
}

/**
 * The bytes of a part of a resource, which may still grow, as they arrive. A CDN that answers with the whole instead, as it
 * may while nobody knows the length, is read past what was not asked for; that counts as received.
 *
 * @throws StatusError for an answer that is no success; what `fetch` throws.
 */
export async function* fetchPart(owner: DashOwner, { url, offset, bytes, signal }: Part): AsyncGenerator<Uint8Array> {
  const last = bytes === null ? "" : offset + bytes - 1;
  const headers = offset === 0 && bytes === null ? {} : { Range: `bytes=${offset}-${last}` };
  const answer = await fetch(await owner.prepare(url, { headers, signal }));
  if (!answer.ok || !answer.body) throw new StatusError(answer.status, answer.statusText);
  let skip = answer.status === 206 ? 0 : offset;
  let left = bytes ?? Infinity;
  const reader = answer.body.getReader();
  try {
    while (left > 0) {
      const { done, value } = await reader.read();
      if (done) return;
      const useful = value.subarray(Math.min(skip, value.byteLength)).subarray(0, left);
      owner.session.counters.received(value.byteLength - useful.byteLength);
      skip -= Math.min(skip, value.byteLength);
      left -= useful.byteLength;
      if (useful.byteLength > 0) yield useful;
    }
  } finally {
    // Ends the request too, where there is more to come.
    void reader.cancel().catch(() => {});
  }
}
