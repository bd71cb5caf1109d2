import type { Known } from "./known.js";
import { readAttributes } from "./tag.js";

/** One signature, and what it is of (docs/signatures.md). */
export interface Signature {
  /** First characters of the public key. */
  readonly key: string;
  /** 64 bytes, base64url. */
  readonly sig: string;
}

/** What a publisher says with a signature. */
export interface Statement {
  readonly stream: string;
  /** Where it is, from the folder on that the publisher serves. */
  readonly path: string;
  /** When, in ms since 1970, by the publisher's clock. */
  readonly issued: number;
  /** Whether a newer one will come. */
  readonly live: boolean;
  readonly signature: Signature;
  /** The text that was signed. */
  readonly text: string;
}

/** Length of a key's id, which is how a key begins. */
export const ID_LENGTH = 12;
/** More signatures than this are not looked at: no more keys are accepted either. */
export const MOST_SIGNATURES = 8;

const PREFIX = "#EXT-X-SWARMLINE-SIGNATURE:";
const MAX_LINE = 4096;
const MARK = ',"signatures":';

/** Gives SHA-256 of a text, base64url. */
type Hash = (text: string) => Promise<string>;

/** The statements of a media playlist, one for each signature that can be read; `tags` is what `readTags` found in it. */
export async function ofPlaylist(playlist: string, tags: ReadonlyMap<number, Known>, hash: Hash): Promise<readonly Statement[]> {
  const lines = playlist.split(/[\r\n]+/).map((line) => line.trim());
  const signed = lines.filter((line) => line.startsWith(PREFIX) && line.length <= MAX_LINE).slice(0, MOST_SIGNATURES);
  if (signed.length === 0) return [];
  const live = !lines.includes("#EXT-X-ENDLIST");
  const segments = await hash(segmentsOf(tags));
  return signed.map((line) => readLine(line, live, segments)).filter((statement) => statement !== null);
}

/** A line for each tagged segment, in order. */
function segmentsOf(tags: ReadonlyMap<number, Known>): string {
  return [...tags].map(([sn, { bytes, root, sha256 }]) => `${sn} ${sha256} ${root ?? "-"} ${bytes}\n`).join("");
}

function readLine(line: string, live: boolean, segments: string): Statement | null {
  const attributes = readAttributes(line.slice(PREFIX.length));
  const [stream, path] = [unquoted(attributes?.get("STREAM")), unquoted(attributes?.get("PATH"))];
  const issued = attributes?.get("ISSUED") ?? "";
  const signature = readSignature(attributes?.get("KEY"), attributes?.get("SIG"));
  const isTime = /^\d{1,16}$/.test(issued) && Number.isSafeInteger(Number(issued));
  if (stream === null || path === null || signature === null || !isTime) return null;
  const text = `swarmline-playlist-1\n${stream}\n${path}\n${issued}\n${live ? "live" : "ended"}\n${segments}\n`;
  return { stream, path, issued: Number(issued), live, signature, text };
}

/** The statements of an integrity list, and the JSON that they cover: everything before the signatures. */
export async function ofList(list: string, hash: Hash): Promise<{ readonly covered: string; readonly statements: readonly Statement[] }> {
  const end = list.lastIndexOf(MARK);
  if (end < 0) return { covered: "", statements: [] };
  const body = list.slice(0, end);
  const covered = `${body}}`;
  const { issued, live, path, stream } = parse(covered);
  const named = typeof stream === "string" && typeof path === "string";
  const { signatures } = parse(`{${list.slice(end + 1)}`);
  if (!named || !Number.isSafeInteger(issued) || !Array.isArray(signatures)) return { covered, statements: [] };
  const text = `swarmline-list-1\n${await hash(body)}\n`;
  const about = { stream, path, issued: issued as number, live: live === true, text };
  const read = (signatures as unknown[]).slice(0, MOST_SIGNATURES).map((given) => {
    const { key, sig } = (given ?? {}) as Record<string, unknown>;
    const signature = readSignature(key, sig);
    return signature && { ...about, signature };
  });
  return { covered, statements: read.filter((statement) => statement !== null) };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function readSignature(key: unknown, sig: unknown): Signature | null {
  if (typeof key !== "string" || typeof sig !== "string") return null;
  return key.length === ID_LENGTH && /^[A-Za-z0-9_-]{86}$/.test(sig) ? { key, sig } : null;
}

function unquoted(text: string | undefined): string | null {
  return /^"([^"]+)"$/.exec(text ?? "")?.[1] ?? null;
}
