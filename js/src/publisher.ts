import { verify } from "./ed25519.js";
import type { Known } from "./known.js";
import { fromBase64Url } from "./known.js";
import { sha256 } from "./sha256.js";
import { SignatureError, unjudged } from "./signature-errors.js";
import { ID_LENGTH, ofList, ofPlaylist } from "./statement.js";
import type { Statement } from "./statement.js";

/** A list that is older than this, by what the publisher has signed of what is live, is an old one served again, in ms. */
const STALE_MS = 5 * 60_000;
/** The same where nothing else of the publisher has been seen yet, by this device's clock, which may be wrong. */
const STALE_AT_FIRST_MS = 24 * 3_600_000;

/** What is remembered of the newest at one path. */
interface Newest {
  readonly issued: number;
  readonly text: string;
}

/**
 * Judges what a publisher has signed: by one of these keys, of this stream, for where it was found, and not older than what
 * was seen before.
 *
 * Nobody here trusts the device's clock more than it must: the publisher's own latest word, and the time since, says how
 * late it is. Only the very first live list is compared with the clock, and with a day's grace.
 */
export class Publisher {
  readonly #keys: readonly string[];
  readonly #stream: string;
  readonly #newest = new Map<string, Newest>();
  /** The publisher's clock minus `performance.now()`, at least. */
  #ahead: number | null = null;
  /** What the publisher has issued last of what is live, in ms since 1970. */
  #lastLive = -Infinity;
  #manifest = "";

  /** `keys`: base64url; `stream`: the name that was signed. */
  constructor(keys: readonly string[], stream: string) {
    this.#keys = keys;
    this.#stream = stream;
  }

  /** The application plays what has its manifest at `url`. Beside another one that is live, recordings are not old. */
  opened(url: string): void {
    const manifest = bare(url);
    if (manifest !== this.#manifest) this.#lastLive = -Infinity;
    this.#manifest = manifest;
  }

  /**
   * `manifest`: URL of the manifest that has led to `url`, if it is known.
   * @throws SignatureError if the tags of a media playlist at `url` do not count; UnjudgedError.
   */
  async playlist(text: string, tags: ReadonlyMap<number, Known>, url: string, manifest?: string): Promise<void> {
    await this.#judge(await ofPlaylist(text, tags, hash).catch(unjudged), url, manifest);
  }

  /**
   * Of an integrity list at `url`, the JSON that was signed; `manifest`: as above.
   * @throws SignatureError if it does not count; UnjudgedError.
   */
  async list(text: string, url: string, manifest?: string): Promise<string> {
    const { covered, statements } = await ofList(text, hash).catch(unjudged);
    await this.#judge(statements, url, manifest);
    return covered;
  }

  async #judge(statements: readonly Statement[], url: string, manifest?: string): Promise<void> {
    if (statements.length === 0) throw new SignatureError("it is not signed");
    const known = statements.filter(({ signature }) => this.#keysOf(signature.key).length > 0);
    if (known.length === 0) throw new SignatureError("it is signed by none of publisherKeys");
    const ours = known.filter(({ stream }) => stream === this.#stream);
    if (ours.length === 0) throw new SignatureError("it is signed for another stream than swarmId says");
    const here = ours.filter(({ path }) => isAt(url, path, manifest));
    if (here.length === 0) throw new SignatureError("it is signed for another place than this");
    const good = await this.#firstTrue(here).catch(unjudged);
    if (!good) throw new SignatureError("its signature is wrong");
    this.#accept(good);
  }

  async #firstTrue(statements: readonly Statement[]): Promise<Statement | null> {
    for (const statement of statements) {
      const { key: id, sig } = statement.signature;
      const message = new TextEncoder().encode(statement.text);
      for (const key of this.#keysOf(id)) {
        if (await verify(fromBase64Url(key), fromBase64Url(sig), message)) return statement;
      }
    }
    return null;
  }

  #keysOf(id: string): readonly string[] {
    return this.#keys.filter((key) => key.slice(0, ID_LENGTH) === id);
  }

  /** What is signed truly may still be old. */
  #accept({ issued, live, path, text }: Statement): void {
    const newest = this.#newest.get(path);
    const older = newest && (issued < newest.issued || (issued === newest.issued && text !== newest.text));
    if (older) throw new SignatureError("it is older than one that was seen before");
    if (live && newest?.issued !== issued && issued < this.#oldest()) throw new SignatureError("it is a live one, and too old");
    if (!live && issued < this.#lastLive - STALE_MS) throw new SignatureError("it has ended, and the stream is live again");
    this.#newest.set(path, { issued, text });
    if (!live) return;
    this.#ahead = Math.max(this.#ahead ?? -Infinity, issued - performance.now());
    this.#lastLive = Math.max(this.#lastLive, issued);
  }

  /** A live list must be issued after this, in ms since 1970. */
  #oldest(): number {
    return this.#ahead === null ? Date.now() - STALE_AT_FIRST_MS : this.#ahead + performance.now() - STALE_MS;
  }
}

function hash(text: string): Promise<string> {
  return sha256(new TextEncoder().encode(text).buffer);
}

/**
 * Hosts, tokens in queries and folders before differ from viewer to viewer; the end of the path does not. A manifest lies in
 * the folder that is served, so what lies below it is signed with all folders in between, if not more.
 */
function isAt(url: string, path: string, manifest = url): boolean {
  const place = bare(url);
  const whole = bare(manifest);
  const folder = whole.slice(0, whole.lastIndexOf("/") + 1);
  const below = folder && place.startsWith(folder) ? place.slice(folder.length) : "";
  return place.endsWith(`/${path}`) && path.length >= below.length;
}

/** A URL without query, and not percent-encoded if that can be. No slash before the host, which is in no path. */
function bare(url: string): string {
  const place = url.replace(/[?#].*$/s, "").replace("://", ":");
  try {
    return decodeURIComponent(place);
  } catch {
    return place;
  }
}
