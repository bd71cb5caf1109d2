import { MAX_BYTES } from "./known.js";

/**
 * The size of a segment in bytes, as the headers of an answer have it; null: they do not say. `Content-Length` is that of
 * the compressed form where there is one (RFC 9110 §8.6), and a script may not be let see that (CORS): a guess.
 */
export function sizeOf({ headers }: Response): number | null {
  const bytes = Number(headers.get("content-length"));
  const isPlain = /^(identity)?$/i.test(headers.get("content-encoding") ?? "");
  return isPlain && Number.isSafeInteger(bytes) && bytes > 0 && bytes <= MAX_BYTES ? bytes : null;
}
