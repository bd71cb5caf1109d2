import { SwarmlineError } from "./errors.js";
import { isHash } from "./known.js";
import type { HashCallback, SwarmlineOptions } from "./types.js";

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly trackers: readonly string[];
  readonly swarmId: string | null;
  readonly enabled: boolean;
  readonly iceServers: readonly RTCIceServer[];
  readonly maxPeers: number;
  readonly maxUploadBitrate: number;
  readonly cacheBytes: number;
  readonly maxSegmentBytes: number;
  readonly cdnTimeoutMs: number;
  readonly wasmUrl: string | null;
  readonly integrityUrl: string | null;
  readonly hashes: HashCallback | null;
  readonly publisherKeys: readonly string[] | null;
}

const MIB = 1024 * 1024;
const MAX_TRACKERS = 8;
const MAX_URL = 2048;
const MAX_SWARM_ID = 256;
const MAX_KEYS = 8;

type Reader<T> = (value: unknown, field: string) => T;

const readers: { readonly [K in keyof ResolvedOptions]: Reader<ResolvedOptions[K]> } = {
  trackers: optional<readonly string[]>([], readTrackers),
  swarmId: optional<string | null>(null, readSwarmId),
  enabled: optional(true, readBoolean),
  iceServers: optional<readonly RTCIceServer[]>([], readIceServers),
  maxPeers: optional(16, whole(1, 64)),
  maxUploadBitrate: optional(20_000_000, whole(0, 100_000_000_000)),
  cacheBytes: optional(64 * MIB, whole(MIB, 4096 * MIB)),
  maxSegmentBytes: optional(32 * MIB, whole(1, 256 * MIB)),
  cdnTimeoutMs: optional(10_000, whole(1_000, 120_000)),
  wasmUrl: optional<string | null>(null, readUrl),
  integrityUrl: optional<string | null>(null, readUrl),
  hashes: optional<HashCallback | null>(null, readCallback),
  publisherKeys: optional<readonly string[] | null>(null, readKeys),
};

/**
 * Checks what an application gave, at once and completely, and fills in the defaults.
 * @throws SwarmlineError naming the first field that is unknown, of a wrong type or out of range.
 */
export function resolveOptions(given: SwarmlineOptions | undefined): ResolvedOptions {
  const input = given === undefined ? {} : asRecord(given, "swarmline");
  rejectUnknown(input, Object.keys(readers), "");
  const resolved: Record<string, unknown> = {};
  for (const [field, read] of Object.entries<Reader<unknown>>(readers)) {
    resolved[field] = read(input[field], field);
  }
  if (resolved["publisherKeys"] !== null && resolved["swarmId"] === null) {
    throw new SwarmlineError("swarmId", input["swarmId"], "with publisherKeys, the name for which the stream is signed");
  }
  return Object.freeze(resolved) as unknown as ResolvedOptions;
}

function optional<T>(fallback: T, read: Reader<T>): Reader<T> {
  return (value, field) => (value === undefined ? fallback : read(value, field));
}

function whole(least: number, most: number): Reader<number> {
  return (value, field) => {
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
      return value as number;
    }
    throw new SwarmlineError(field, value, `a whole number from ${commas(least)} to ${commas(most)}`);
  };
}

/** 1234567 → 1,234,567, whatever the locale. */
function commas(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

function readBoolean(value: unknown, field: string): boolean {
  if (typeof value === "boolean") return value;
  throw new SwarmlineError(field, value, "true or false");
}

function readCallback(value: unknown, field: string): HashCallback {
  if (typeof value === "function") return value as HashCallback;
  throw new SwarmlineError(field, value, "a function");
}

function readSwarmId(value: unknown, field: string): string {
  if (typeof value === "string" && value.length >= 1 && value.length <= MAX_SWARM_ID) return value;
  throw new SwarmlineError(field, value, `a text of 1 to ${MAX_SWARM_ID} characters`);
}

function readKeys(value: unknown, field: string): readonly string[] {
  const list = asArray(value, field, "public keys");
  if (list.length < 1 || list.length > MAX_KEYS) throw new SwarmlineError(field, list.length, `1 to ${MAX_KEYS} keys`);
  const isGood = (key: unknown): key is string => typeof key === "string" && isHash(key);
  return Object.freeze(
    list.map((key, index) => {
      if (isGood(key)) return key;
      throw new SwarmlineError(`${field}[${index}]`, key, "43 characters of base64url, as `swarmline keygen` prints them");
    }),
  );
}

function readTrackers(value: unknown, field: string): readonly string[] {
  const list = asArray(value, field, "ws: or wss: URLs");
  if (list.length > MAX_TRACKERS) {
    throw new SwarmlineError(field, list.length, `at most ${MAX_TRACKERS} trackers`);
  }
  return Object.freeze(list.map((url) => readTracker(url, field)));
}

function readTracker(value: unknown, field: string): string {
  const url = typeof value === "string" && value.length <= MAX_URL ? parseUrl(value) : null;
  if (url && (url.protocol === "ws:" || url.protocol === "wss:") && url.hash === "") return url.href;
  throw new SwarmlineError(field, value, `a ws: or wss: URL of at most ${MAX_URL} characters, without #`);
}

function readIceServers(value: unknown, field: string): readonly RTCIceServer[] {
  return Object.freeze(
    asArray(value, field, "RTCIceServer objects").map((entry, index) =>
      readIceServer(entry, `${field}[${index}]`),
    ),
  );
}

const ICE_FIELDS = ["urls", "username", "credential"];

function readIceServer(value: unknown, field: string): RTCIceServer {
  const server = asRecord(value, field);
  rejectUnknown(server, ICE_FIELDS, `${field}.`);
  const urls = Array.isArray(server["urls"]) ? (server["urls"] as unknown[]) : [server["urls"]];
  const good = (url: unknown): boolean => typeof url === "string" && /^(stuns?|turns?):./.test(url);
  if (urls.length === 0 || !urls.every(good)) {
    throw new SwarmlineError(`${field}.urls`, server["urls"], "stun:, stuns:, turn: or turns: URLs");
  }
  for (const name of ["username", "credential"]) {
    const text = server[name];
    if (text !== undefined && typeof text !== "string") {
      throw new SwarmlineError(`${field}.${name}`, text, "a text");
    }
  }
  return Object.freeze({ ...server }) as unknown as RTCIceServer;
}

function readUrl(value: unknown, field: string): string {
  const text = value instanceof URL ? value.href : value;
  const base = typeof document === "undefined" ? undefined : document.baseURI;
  const url = typeof text === "string" && text !== "" ? parseUrl(text, base) : null;
  if (url) return url.href;
  throw new SwarmlineError(field, value, "a URL, absolute or relative to the page");
}

function parseUrl(text: string, base?: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}

function asArray(value: unknown, field: string, of: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new SwarmlineError(field, value, `an array of ${of}`);
}

function asRecord(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new SwarmlineError(field, value, "an object");
}

function rejectUnknown(input: Record<string, unknown>, known: readonly string[], prefix: string): void {
  for (const key of Object.keys(input)) {
    if (!known.includes(key)) {
      throw new SwarmlineError(prefix + key, input[key], `one of the fields ${known.join(", ")}`);
    }
  }
}
