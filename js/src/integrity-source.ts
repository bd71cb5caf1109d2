import { ListError, MAX_LIST, keyOf, parseList, pathOf } from "./integrity-list.js";
import type { Chunked, IntegrityList, Listed } from "./integrity-list.js";
import { limit } from "./limit.js";
import { nameKey, nameOf } from "./peertube-list.js";
import { UnjudgedError } from "./signature-errors.js";

/** Two requests for the list that the player makes necessary are at least so far apart, in ms. */
const LEAST_APART_MS = 400;
/** Of the newest segment's duration, this much after the last answer the list is asked for, if nobody did. */
const IDLE_FACTOR = 1.5;
/**
 * A list of growing segments that says nothing new is asked for again after this much of a chunk's duration, and after
 * twice as much each further time.
 */
const SOON_FACTOR = 0.25;
const LEAST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
const TIMEOUT_MS = 5_000;

/** What an integrity source needs of its surroundings. */
export interface SourceHost {
  /** Builds a request as the application wants it. */
  prepare(url: string, init: RequestInit): Request | Promise<Request>;
  /** Whether hashes are of any use now. */
  wanted(): boolean;
  /** Whether the list is worth a request although the player asks for nothing. */
  playing(): boolean;
  /** Whether no more segments will come, whatever the list says. */
  over?(): boolean;
  /** The part of the text that counts; rejects with the reason if the publisher has not said that. */
  judge?(text: string, url: string): Promise<string>;
  /** There is another list, or the first one. */
  changed(list: IntegrityList): void;
  /** It could not be used; said once for each reason in a row. Until there is a better one, what it lacks comes from the CDN. */
  failed(error: Error): void;
}

/**
 * The integrity list of one stream, read again when the player asks for a segment that it lacks, and a while after
 * the last time, while it is live: one request for all representations, never one for each segment.
 */
export class IntegritySource {
  readonly #host: SourceHost;
  #url: string | null = null;
  #list: IntegrityList | null = null;
  /** One for each period that plays it: the same film may come twice. */
  #byKey = new Map<string, Listed[]>();
  #byPath = new Map<string, Chunked>();
  /** From here on, in seconds on the presentation's timeline, a segment is newer than all that are listed. */
  #end = Infinity;
  #text = "";
  /** The latest text that does not count, and why. */
  #bad: { readonly text: string; readonly error: Error } | null = null;
  #running: Promise<void> | null = null;
  #generation = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #askedAt = -Infinity;
  /** So many answers in a row said nothing new, or there were none. */
  #quiet = 0;
  readonly #waiting = new Set<() => void>();
  #complaint: string | null = null;
  /** Whether the latest request was not in the list, and that was told. */
  #lacking = false;

  constructor(host: SourceHost) {
    this.#host = host;
  }

  /** Another stream begins; null: without a list. */
  open(url: string | null): void {
    this.close();
    this.#url = url;
    if (url !== null && this.#host.wanted()) void this.refresh();
  }

  /** Forgets everything; nothing is asked for any more. */
  close(): void {
    this.#generation.abort();
    this.#generation = new AbortController();
    this.#stopTimer();
    this.#url = this.#list = this.#running = this.#complaint = this.#bad = null;
    this.#byKey = new Map();
    this.#byPath = new Map();
    this.#end = Infinity;
    this.#text = "";
    this.#askedAt = -Infinity;
    this.#lacking = false;
    this.#quiet = 0;
    this.#proceed();
  }

  /** The list that was read last. */
  get list(): IntegrityList | null {
    return this.#list;
  }

  /**
   * What the list says of a request; `offset` and `bytes` of its byte range, null and anything without one. Where it says
   * so more than once, what lies nearest to `start`, in seconds on the presentation's timeline.
   */
  find(url: string, offset: number | null, bytes: number, start: number): Listed | null {
    const [first = null, ...others] = this.#byKey.get(keyOf(url, offset, bytes)) ?? [];
    if (first) this.#lacking = false;
    const away = (listed: Listed): number => Math.abs(listed.start - start);
    return first && others.reduce((best, other) => (away(other) < away(best) ? other : best), first);
  }

  /** Whether the list is behind the CDN: it names segments as they come, but none so new as one that begins at `start`, in seconds. */
  isBehind(start: number): boolean {
    return this.#grows && start >= this.#end;
  }

  /**
   * SHA-256, base64url, of a request, by a list that says nothing else of it (PeerTube's); `offset` and `bytes` of its byte
   * range, null and anything without one.
   */
  named(url: string, offset: number | null, bytes: number): string | null {
    const range = offset === null ? null : `${offset}-${offset + bytes - 1}`;
    return this.#list?.names.get(nameKey(nameOf(pathOf(url)), range)) ?? null;
  }

  /** Whether there is a list to be had that has not been read yet. */
  get awaited(): boolean {
    return this.#url !== null && this.#list === null && this.#complaint === null;
  }

  /** What the list says of the chunks of the segment at `url`; null: nothing. */
  chunked(url: string): Chunked | null {
    return this.#byPath.get(pathOf(url)) ?? null;
  }

  /** Whether the segments to come will be listed chunk by chunk. */
  get byChunks(): boolean {
    return this.#list !== null && this.#list.live && this.#list.chunked.length > 0;
  }

  /** Calls back when the list has been read the next time, or that failed; never at once. The answer takes that back. */
  whenRead(proceed: () => void): () => void {
    this.#waiting.add(proceed);
    // While the player is paused nobody else asks.
    if (this.pending() === null && this.#timer === undefined) this.#again();
    return () => this.#waiting.delete(proceed);
  }

  /** A request goes to the CDN because the list, as it is now, lacks it. */
  lacks(url: string): void {
    if (this.#list === null || this.#running !== null || this.#lacking) return;
    this.#lacking = true;
    this.#host.failed(new ListError(`it does not list ${pathOf(url)}`));
  }

  /** An answer that is about to come, or null where asking again makes no sense. */
  pending(): Promise<void> | null {
    if (this.#running) return this.#running;
    if (!this.#grows || this.#restMs > 0) return null;
    return this.refresh();
  }

  /** The same for who waits for what will be listed: where asking again makes sense in a moment, it comes then. */
  next(): Promise<void> | null {
    return this.pending() ?? (this.#grows ? new Promise((resolve) => setTimeout(resolve, this.#restMs)) : null);
  }

  /** Whether another answer may say more than this one. */
  get #grows(): boolean {
    return this.#url !== null && !this.#isOver && this.#host.wanted();
  }

  /** The list is left in peace for so long. */
  get #restMs(): number {
    return this.#askedAt + LEAST_APART_MS - performance.now();
  }

  get #isOver(): boolean {
    return this.#list !== null && (!this.#list.live || this.#host.over?.() === true);
  }

  /** Asks for the list; never rejects. */
  refresh(): Promise<void> {
    const url = this.#url;
    if (url === null) return Promise.resolve();
    this.#stopTimer();
    this.#askedAt = performance.now();
    const { signal } = this.#generation;
    const running = this.#read(url, signal).finally(() => {
      if (signal.aborted) return;
      this.#running = null;
      this.#again();
      this.#proceed();
    });
    this.#running = running;
    return running;
  }

  #proceed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const proceed of waiting) proceed();
  }

  async #read(url: string, signal: AbortSignal): Promise<void> {
    const limited = limit(TIMEOUT_MS, signal);
    this.#quiet += 1;
    try {
      const request = await this.#host.prepare(url, { cache: "no-cache", signal: limited.signal });
      const answer = await fetch(request);
      if (!answer.ok) throw new ListError(`the server answered ${answer.status}`);
      const text = await readText(answer);
      if (!signal.aborted) await this.#take(text, url, signal);
    } catch (error) {
      if (!signal.aborted) this.#complain(error instanceof Error ? error : new Error(String(error)));
    } finally {
      limited.done();
    }
  }

  async #take(text: string, url: string, signal: AbortSignal): Promise<void> {
    const list = text === this.#text ? null : await this.#judged(text, url);
    if (signal.aborted) return;
    this.#complaint = null;
    if (!list) return;
    this.#quiet = 0;
    this.#text = text;
    this.#list = list;
    this.#byKey = byKey(list);
    this.#byPath = new Map(list.chunked.map((entry) => [pathOf(entry.url), entry]));
    this.#end = endOf(list);
    this.#host.changed(list);
  }

  /** What does not change is judged once, if it can be. */
  async #judged(text: string, url: string): Promise<IntegrityList> {
    if (this.#bad?.text === text) throw this.#bad.error;
    try {
      return parseList(this.#host.judge ? await this.#host.judge(text, url) : text, url);
    } catch (error) {
      if (!(error instanceof UnjudgedError)) this.#bad = { text, error: error as Error };
      throw error;
    }
  }

  #complain(error: Error): void {
    if (error.message === this.#complaint) return;
    this.#complaint = error.message;
    this.#host.failed(error);
  }

  /** Who is paused, or has left, asks no more; the player's next request begins anew. */
  #unasked(): void {
    this.#stopTimer();
    if (this.#host.wanted() && (this.#host.playing() || this.#waiting.size > 0)) void this.refresh();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #again(): void {
    this.#stopTimer();
    if (this.#isOver) return;
    this.#timer = setTimeout(() => this.#unasked(), this.byChunks ? this.#untilNextChunk() : this.#whileIdle());
  }

  #whileIdle(): number {
    const newest = this.#list?.whole.at(-1);
    return Math.min(newest ? newest.duration * 1000 * IDLE_FACTOR : LONGEST_PAUSE_MS, LONGEST_PAUSE_MS);
  }

  /**
   * Chunks appear at regular intervals: one such interval after an answer with something new there is something new
   * again, and who asked too early moves closer by asking sooner the next time. A stream that stands still is asked for
   * ever more rarely.
   */
  #untilNextChunk(): number {
    const { duration = 1 } = this.#list?.chunked.at(-1)?.chunks.at(-1) ?? {};
    const usual = Math.max(duration * 1000, LEAST_APART_MS);
    const interval = this.#quiet === 0 ? usual : Math.min(usual * SOON_FACTOR * 2 ** (this.#quiet - 1), this.#whileIdle());
    return Math.max(LEAST_PAUSE_MS, this.#askedAt + interval - performance.now());
  }
}

/** The middle of the newest segment: those of other representations need not begin at the same moment. Infinity: none comes. */
function endOf({ live, whole }: IntegrityList): number {
  if (!live || whole.length === 0) return Infinity;
  return Math.max(...whole.map(({ start, duration }) => start + duration / 2));
}

function byKey({ whole }: IntegrityList): Map<string, Listed[]> {
  const found = new Map<string, Listed[]>();
  for (const entry of whole) {
    const key = keyOf(entry.url, entry.offset, entry.bytes);
    const same = found.get(key);
    if (same) same.push(entry);
    else found.set(key, [entry]);
  }
  return found;
}

/** The body, no longer than is allowed. */
async function readText(answer: Response): Promise<string> {
  const tooLong = new ListError(`it is longer than ${MAX_LIST} bytes`);
  if (Number(answer.headers.get("content-length")) > MAX_LIST) throw tooLong;
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) return text + decoder.decode();
    bytes += part.value.byteLength;
    if (bytes > MAX_LIST) {
      await reader?.cancel();
      throw tooLong;
    }
    text += decoder.decode(part.value, { stream: true });
  }
}
