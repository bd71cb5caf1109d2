import { fromBase64 } from "./known.js";

/** Gives a header's value by its name in lower case; null where there is none. */
type Header = (name: string) => string | null;

/** SHA-256 of a `Repr-Digest` header (RFC 9530) as base64url, or null if it has none. */
export function parseReprDigest(header: string | null): string | null {
  return memberOf(header, /^\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:;.*)?$/);
}

/** SHA-256 of a `Digest` header (RFC 3230) as base64url, or null if it has none. */
export function parseDigest(header: string | null): string | null {
  return memberOf(header, /^\s*sha-256=([A-Za-z0-9+/]{43}=)\s*$/i);
}

/** SHA-256 of a whole object of Amazon S3 as base64url; null for one of its parts' hashes, which ends in `-N`. */
function parseAmazon(header: string | null): string | null {
  return memberOf(header, /^\s*([A-Za-z0-9+/]{43}=)\s*$/);
}

function memberOf(header: string | null, pattern: RegExp): string | null {
  for (const member of (header ?? "").split(",")) {
    const found = pattern.exec(member)?.[1];
    if (found) return fromBase64(found);
  }
  return null;
}

/**
 * The digest in the answer a player's loader got: an XMLHttpRequest, a Response, or what dash.js makes of the former.
 * Null where there is none, where a script may not see it (CORS), or where the answer is only a part of the resource:
 * the digest is of the whole.
 */
export function digestOf(answer: unknown): string | null {
  const header = headersOf(answer);
  if (!header) return null;
  return (
    parseReprDigest(header("repr-digest")) ??
    parseDigest(header("digest")) ??
    parseAmazon(header("x-amz-checksum-sha256"))
  );
}

/** The headers of an answer that is a whole resource. */
function headersOf(answer: unknown): Header | null {
  if (typeof answer !== "object" || answer === null || !("status" in answer) || answer.status !== 200) return null;
  if (typeof XMLHttpRequest !== "undefined" && answer instanceof XMLHttpRequest) return visible(answer);
  const headers = "headers" in answer ? answer.headers : null;
  if (headers instanceof Headers) return (name) => headers.get(name);
  const record = headers as Readonly<Record<string, string>> | null;
  return (name) => record?.[name] ?? null;
}

/** Asking for a header that is hidden makes browsers write an error to the console, so nobody asks for one. */
function visible(request: XMLHttpRequest): Header {
  const all = request.getAllResponseHeaders();
  return (name) => new RegExp(`^${name}:(.*)$`, "im").exec(all)?.[1] ?? null;
}
