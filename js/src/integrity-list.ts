import { MAX_BYTES, isHash } from "./known.js";
import type { Known } from "./known.js";
import { parseNames } from "./peertube-list.js";
import type { SegmentNames } from "./peertube-list.js";

/** A media segment as an integrity list has it. */
export interface Listed extends Known {
  /** Absolute URL, on the list's own host. */
  readonly url: string;
  /** Where it begins inside the resource; null: it is the whole resource. */
  readonly offset: number | null;
  /** Number in its representation. */
  readonly number: number;
  /** Start on the presentation's timeline in seconds. */
  readonly start: number;
  /** Seconds. */
  readonly duration: number;
  /** Its representation, by a name that no other one in the list has. */
  readonly representation: string;
}

/** A segment that is published chunk by chunk (low latency). Each chunk is a byte range with hashes of its own. */
export interface Chunked {
  /** As on the list's host. */
  readonly url: string;
  /** Those that are complete, from the segment's first byte on, without a gap. */
  readonly chunks: readonly Listed[];
}

/** A list that was read. */
export interface IntegrityList {
  /** Whether more segments will come. */
  readonly live: boolean;
  /** What is shared, by representation, in the order of time: segments, or the chunks of those that are published so. */
  readonly representations: ReadonlyMap<string, readonly Listed[]>;
  /** Complete segments. */
  readonly whole: readonly Listed[];
  /** Segments with chunks. */
  readonly chunked: readonly Chunked[];
  /** Of a list of PeerTube's: what it says by file name. It tells neither sizes nor times. */
  readonly names: SegmentNames;
}

/** Why a list cannot be used. */
export class ListError extends Error {}

/** A larger list is not read, in bytes: a day of 2 s segments in three representations has 25 MB. */
export const MAX_LIST = 32 * 1024 * 1024;
const VERSION = 1;

/**
 * Reads an integrity list (docs/integrity-list.md), or PeerTube's `segments-sha256.json`. A segment with an error in it is left out; unknown fields are
 * skipped.
 * @throws ListError if the whole is not one.
 */
export function parseList(text: string, listUrl: string): IntegrityList {
  const list = record(parse(text));
  if (!list) throw new ListError("it is not a JSON object");
  const names = "version" in list ? null : parseNames(list);
  if (names) return { live: true, representations: new Map(), whole: [], chunked: [], names };
  if (list["version"] !== VERSION) throw new ListError(`it has version ${String(list["version"])}, not ${VERSION}`);
  const given = list["representations"];
  if (!Array.isArray(given)) throw new ListError("it has no representations");
  const representations = new Map<string, readonly Listed[]>();
  const all: Entry[] = [];
  for (const item of given as unknown[]) {
    const representation = record(item);
    const { period = "", id, segments } = representation ?? {};
    if (typeof id !== "string" || typeof period !== "string" || !Array.isArray(segments)) continue;
    const name = nameOf(period, id, representations);
    const read = (segments as unknown[]).map((segment) => readEntry(segment, name, listUrl));
    const entries = read.filter((entry) => entry !== null);
    all.push(...entries);
    representations.set(name, entries.flatMap(({ whole, chunked }) => chunked?.chunks ?? (whole ? [whole] : [])));
  }
  const whole = all.map((entry) => entry.whole).filter((segment) => segment !== null);
  const chunked = all.map((entry) => entry.chunked).filter((segment) => segment !== null);
  return { live: list["live"] === true, representations, whole, chunked, names: new Map() };
}

/** Periods may go without an id; then representations of the same id are told apart by their order. */
function nameOf(period: string, id: string, taken: ReadonlyMap<string, unknown>): string {
  let name = JSON.stringify([period, id]);
  for (let again = 2; taken.has(name); again += 1) name = JSON.stringify([period, id, again]);
  return name;
}

/**
 * By what a request and an entry of a list are compared: path and byte range. Host and query differ between CDNs
 * and viewers.
 */
export function keyOf(url: string, offset: number | null, bytes: number): string {
  const path = pathOf(url);
  return offset === null ? path : `${path} ${offset}+${bytes}`;
}

/** The path of a URL; of a relative one, as the page would resolve it. */
export function pathOf(url: string): string {
  return resolve(url, typeof document === "undefined" ? undefined : document.baseURI, "pathname") ?? url;
}

/** One entry of a list: a complete segment, one in chunks, or both. */
interface Entry {
  readonly whole: Listed | null;
  readonly chunked: Chunked | null;
}

type Place = Pick<Listed, "url" | "number" | "start" | "duration" | "representation">;

function readEntry(value: unknown, representation: string, listUrl: string): Entry | null {
  const entry = record(value) ?? {};
  const { url, number, start, duration, offset = null, chunks } = entry;
  const times = Number.isFinite(start) && Number.isFinite(duration) && (duration as number) > 0;
  const absolute = typeof url === "string" ? resolve(url, listUrl) : null;
  if (!times || absolute === null || !isWhole(number) || !(offset === null || isWhole(offset))) return null;
  const place = { url: absolute, number, start: start as number, duration: duration as number, representation };
  const known = readHashes(entry);
  // Neither complete nor growing: something is wrong with it.
  if (!known && (entry["bytes"] !== undefined || entry["sha256"] !== undefined)) return null;
  const whole = known && { ...place, ...known, offset };
  const chunked = offset === null && Array.isArray(chunks) ? readChunks(chunks, place, known?.bytes ?? null) : null;
  return whole || chunked ? { whole, chunked } : null;
}

function readHashes({ bytes, sha256, root = null }: Record<string, unknown>): Known | null {
  const hashes = typeof sha256 === "string" && isHash(sha256) && (root === null || (typeof root === "string" && isHash(root)));
  return hashes && isWhole(bytes) && bytes > 0 && bytes <= MAX_BYTES ? { bytes, sha256, root } : null;
}

/** Null if a chunk has an error in it, or if they are not the segment; `bytes` is its size, null while it grows. */
function readChunks(values: readonly unknown[], place: Place, bytes: number | null): Chunked | null {
  const chunks: Listed[] = [];
  let offset = 0;
  let { start } = place;
  for (const value of values) {
    const chunk = record(value) ?? {};
    const { duration } = chunk;
    const known = readHashes(chunk);
    if (!known || !Number.isFinite(duration) || (duration as number) <= 0) return null;
    chunks.push({ ...place, ...known, offset, start, duration: duration as number });
    offset += known.bytes;
    start += duration as number;
  }
  const fits = bytes === null ? offset > 0 : offset === bytes;
  return fits ? { url: place.url, chunks } : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ListError("it is not JSON");
  }
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function resolve(url: string, base: string | undefined, part: "href" | "pathname" = "href"): string | null {
  try {
    return new URL(url, base)[part];
  } catch {
    return null;
  }
}
