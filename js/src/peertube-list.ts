import { readHash } from "./known.js";

/** SHA-256 of segments, base64url, by `nameKey`. */
export type SegmentNames = ReadonlyMap<string, string>;

/** Under what a whole file, or a range of one with its last byte included, stands in `SegmentNames`. */
export function nameKey(name: string, range: string | null): string {
  return range === null ? name : `${name} ${range}`;
}

/** The file name at the end of a URL or a path, as PeerTube writes it. */
export function nameOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/**
 * Reads what PeerTube writes as `segments-sha256.json`: for each file name the SHA-256 in hex (live), or for a file that
 * holds several segments, one for each byte range `first-last` (recordings). What cannot be read is left out; null: it is
 * something else.
 */
export function parseNames(list: Readonly<Record<string, unknown>>): SegmentNames | null {
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(list)) {
    const ranges = typeof value === "object" && value !== null ? Object.entries(value) : [[null, value] as const];
    for (const [range, hex] of ranges) {
      const sha256 = isHex(hex) && (range === null || /^\d+-\d+$/.test(range)) ? readHash(hex) : null;
      if (sha256 !== null) names.set(nameKey(name, range), sha256);
    }
  }
  return names.size > 0 ? names : null;
}

function isHex(text: unknown): boolean {
  return typeof text === "string" && /^[0-9a-f]{64}$/i.test(text);
}
