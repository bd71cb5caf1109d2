import { fromBase64 } from "./known.js";

/** SHA-256 of a `Repr-Digest` header (RFC 9530) as base64url, or null if it has none. */
export function parseReprDigest(header: string | null): string | null {
  for (const member of (header ?? "").split(",")) {
    const match = /^\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:;.*)?$/.exec(member);
    if (match?.[1]) return fromBase64(match[1]);
  }
  return null;
}

const NAME = "repr-digest";

/**
 * The digest in the answer a player's loader got, an XMLHttpRequest or a Response; null where there is
 * none, where a script may not see it (CORS), or where the answer is only a part of the resource: the
 * digest is of the whole.
 */
export function digestOf(answer: unknown): string | null {
  if (typeof Response !== "undefined" && answer instanceof Response) {
    return answer.status === 200 ? parseReprDigest(answer.headers.get(NAME)) : null;
  }
  if (typeof XMLHttpRequest !== "undefined" && answer instanceof XMLHttpRequest) {
    // Asking for a header that is hidden makes browsers write an error to the console.
    const visible = answer.status === 200 && /^repr-digest:/im.test(answer.getAllResponseHeaders());
    return visible ? parseReprDigest(answer.getResponseHeader(NAME)) : null;
  }
  return null;
}
