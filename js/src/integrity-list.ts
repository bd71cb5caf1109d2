import { MAX_BYTES, isHash } from "./known.js";
import type { Known } from "./known.js";

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
  /** Its representation, by the order in the list's own names. */
  readonly representation: string;
}

/** A list that was read. */
export interface IntegrityList {
  /** Whether more segments will come. */
  readonly live: boolean;
  /** Segments by representation, in the order of time. */
  readonly representations: ReadonlyMap<string, readonly Listed[]>;
}

/** Why a list cannot be used. */
export class ListError extends Error {}

/** A larger list is not read, in bytes: a day of 2 s segments in three representations has 25 MB. */
export const MAX_LIST = 32 * 1024 * 1024;
const VERSION = 1;

/**
 * Reads an integrity list (docs/integrity-list.md). A segment with an error in it is left out; unknown fields are
 * skipped.
 * @throws ListError if the whole is not one.
 */
export function parseList(text: string, listUrl: string): IntegrityList {
  const list = record(parse(text));
  if (!list) throw new ListError("it is not a JSON object");
  if (list["version"] !== VERSION) throw new ListError(`it has version ${String(list["version"])}, not ${VERSION}`);
  const given = list["representations"];
  if (!Array.isArray(given)) throw new ListError("it has no representations");
  const representations = new Map<string, Listed[]>();
  for (const entry of given as unknown[]) {
    const representation = record(entry);
    const { period = "", id, segments } = representation ?? {};
    if (typeof id !== "string" || typeof period !== "string" || !Array.isArray(segments)) continue;
    const name = JSON.stringify([period, id]);
    const known = (segments as unknown[]).map((segment) => readSegment(segment, name, listUrl));
    representations.set(name, known.filter((segment) => segment !== null));
  }
  return { live: list["live"] === true, representations };
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

function readSegment(value: unknown, representation: string, listUrl: string): Listed | null {
  const { url, number, start, duration, bytes, sha256, root = null, offset = null } = record(value) ?? {};
  const hashes = typeof sha256 === "string" && isHash(sha256) && (root === null || (typeof root === "string" && isHash(root)));
  const numbers = isWhole(number) && isWhole(bytes) && bytes > 0 && bytes <= MAX_BYTES && (offset === null || isWhole(offset));
  const times = Number.isFinite(start) && Number.isFinite(duration) && (duration as number) > 0;
  const absolute = typeof url === "string" ? resolve(url, listUrl) : null;
  if (!hashes || !numbers || !times || absolute === null) return null;
  const place = { number, start: start as number, duration: duration as number, representation };
  return { ...place, url: absolute, offset, bytes, sha256, root };
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
