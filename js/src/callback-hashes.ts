import type { HashSource } from "./asked-hashes.js";
import { MAX_BYTES, readHash } from "./known.js";
import type { Known } from "./known.js";
import { isTimeout, limit } from "./limit.js";
import type { Session } from "./session.js";
import type { UnlistedSegment } from "./types.js";

/** An answer that takes longer is not used, in ms. */
const TIMEOUT_MS = 5_000;

/** Hashes from the application's callback, the option `hashes`. What is wrong with an answer is told, and no more. */
export class CallbackHashes<T> implements HashSource<T> {
  readonly #session: Session;
  readonly #view: (segment: T) => UnlistedSegment;
  #complaint: string | null = null;

  /** `view`: a segment as the application is told of it. */
  constructor(session: Session, view: (segment: T) => UnlistedSegment) {
    this.#session = session;
    this.#view = view;
  }

  isWorthIt(): boolean {
    return this.#session.options.hashes !== null && this.#session.wantsHashes;
  }

  async ask(segment: T, parent: AbortSignal): Promise<Known | null> {
    const { done, signal } = limit(TIMEOUT_MS, parent);
    try {
      const asked = this.#view(segment);
      const { hashes } = this.#session.options;
      const answer = hashes ? hashes(asked) : null;
      const known = read(await Promise.race([answer, failure(signal)]), asked);
      this.#complaint = null;
      return known;
    } catch (error) {
      if (!parent.aborted) this.#complain(isTimeout(error) ? `no answer within ${TIMEOUT_MS} ms` : String(error));
      return null;
    } finally {
      done();
    }
  }

  /** Once for each reason in a row. */
  #complain(message: string): void {
    if (message === this.#complaint) return;
    this.#complaint = message;
    this.#session.warn("hashes-callback", `the option hashes gave no hash: ${message}`);
  }
}

/** Rejects when the signal says so. */
function failure(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as unknown), { once: true });
  });
}

/** @throws Error saying what an answer lacks. */
function read(answer: unknown, asked: UnlistedSegment): Known | null {
  if (answer === null) return null;
  if (typeof answer !== "object") throw new TypeError("the answer is neither an object nor null");
  const { bytes, root, sha256 } = answer as Readonly<Record<string, unknown>>;
  const known = { sha256: readHash(sha256), root: root == null ? null : readHash(root), bytes: Number(bytes) };
  if (known.sha256 === null) throw new TypeError("sha256 is not 32 bytes in hex or base64url");
  if (root != null && known.root === null) throw new TypeError("root is not 32 bytes in hex or base64url");
  if (!Number.isSafeInteger(bytes) || known.bytes < 1 || known.bytes > MAX_BYTES) throw new TypeError("bytes is not a size");
  if (asked.bytes !== null && asked.bytes !== known.bytes) throw new RangeError("bytes is not the size of the byte range");
  return { ...known, sha256: known.sha256 };
}
