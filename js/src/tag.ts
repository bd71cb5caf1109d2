import { MAX_BYTES, isHash, type Known } from "./known.js";

const PREFIX = "#EXT-X-SWARMLINE:";
const MAX_LINE = 1024;

/**
 * Reads the hashes of a media playlist, by media sequence number. Numbers and not URLs, because URLs
 * may hold variables (EXT-X-DEFINE) and change with tokens; skipped segments of a delta playlist
 * (EXT-X-SKIP) count. A tag belongs to the next URI line; one that cannot be read whole, or that
 * stands twice before one URI, gives nothing for that segment.
 */
export function readTags(playlist: string): Map<number, Known> {
  const found: [number, Known][] = [];
  let first = 0;
  let index = 0;
  let tag: Known | null | undefined;
  for (const line of playlist.split(/[\r\n]+/)) {
    const text = line.trim();
    if (text.startsWith(PREFIX)) {
      tag = tag === undefined ? parseTag(text) : null;
    } else if (text.startsWith("#")) {
      first += sequenceOffset(text);
    } else if (text !== "") {
      if (tag) found.push([index, tag]);
      tag = undefined;
      index += 1;
    }
  }
  return new Map(found.map(([at, known]) => [first + at, known]));
}

/** What this line adds to the media sequence number of the first segment listed. */
function sequenceOffset(line: string): number {
  const match =
    /^#EXT-X-MEDIA-SEQUENCE:\s*(\d+)/.exec(line) ??
    /^#EXT-X-SKIP:(?:.*,)?\s*SKIPPED-SEGMENTS=(\d+)/.exec(line);
  return match ? Number(match[1]) : 0;
}

/** One tag line; null if anything in it is wrong. Unknown attributes are skipped. */
export function parseTag(line: string): Known | null {
  if (!line.startsWith(PREFIX) || line.length > MAX_LINE) return null;
  const attributes = readAttributes(line.slice(PREFIX.length));
  const sha256 = attributes?.get("SHA256");
  const bytes = readBytes(attributes?.get("BYTES"));
  if (sha256 === undefined || bytes === null) return null;
  const root = attributes?.get("ROOT") ?? null;
  return isHash(sha256) && (root === null || isHash(root)) ? { sha256, root, bytes } : null;
}

/** RFC 8216 §4.2; null for a repeated name, or for anything that is no NAME=value. */
export function readAttributes(list: string): Map<string, string> | null {
  const attributes = new Map<string, string>();
  const attribute = /([A-Z0-9-]+)=("[^"]*"|[^",]*)(?:,|$)/y;
  while (attribute.lastIndex < list.length) {
    const match = attribute.exec(list);
    const name = match?.[1];
    const value = match?.[2];
    if (name === undefined || value === undefined || attributes.has(name)) return null;
    attributes.set(name, value);
  }
  return attributes;
}

function readBytes(text: string | undefined): number | null {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return null;
  const bytes = Number(text);
  return bytes >= 1 && bytes <= MAX_BYTES ? bytes : null;
}
