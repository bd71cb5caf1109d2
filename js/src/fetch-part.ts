import { StatusError } from "./again.js";
import { partBegins } from "./content-range.js";
import type { DashOwner } from "./dash-loader.js";

/** What is wanted of a resource. */
export interface Part {
  readonly url: string;
  /** First byte; null: the first of all, and the request is one for the whole. */
  readonly offset: number | null;
  /** How many; null: all that follow, as they come. */
  readonly bytes: number | null;
  readonly signal: AbortSignal;
  /** Called when the answer begins, with how long that took in ms. */
  readonly answered?: (ms: number) => void;
}

/**
 * The bytes of a part of a resource, which may still grow, as they arrive. A CDN that answers with the whole instead, as it
 * may while nobody knows the length, is read past what was not asked for; that counts as received. One that answers with
 * another part is asked for the whole.
 *
 * @throws StatusError for an answer that is no success; what `fetch` throws.
 */
export async function* fetchPart(owner: DashOwner, part: Part): AsyncGenerator<Uint8Array> {
  const first = await ask(owner, part);
  const asked = part.offset ?? 0;
  const begins = first.status === 206 ? partBegins(first, asked) : 0;
  if (begins === null) void first.body?.cancel().catch(() => {});
  const answer = begins === null ? await ask(owner, { ...part, offset: null, bytes: null }) : first;
  if (!answer.ok || !answer.body) {
    void answer.body?.cancel().catch(() => {});
    throw new StatusError(answer.status, answer.statusText);
  }
  let skip = asked - (begins ?? 0);
  let left = part.bytes ?? Infinity;
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

async function ask(owner: DashOwner, { url, offset, bytes, signal, answered }: Part): Promise<Response> {
  const isWhole = offset === null || (offset === 0 && bytes === null);
  const headers = isWhole ? {} : { Range: `bytes=${offset}-${bytes === null ? "" : offset + bytes - 1}` };
  const begun = performance.now();
  const answer = await fetch(await owner.prepare(url, { headers, signal }));
  answered?.(performance.now() - begun);
  return answer;
}
