import type { SourceHost } from "./integrity-source.js";
import type { Known } from "./known.js";
import type { ResolvedOptions } from "./options.js";
import type { Publisher } from "./publisher.js";
import type { Session } from "./session.js";
import { SignatureError, UnjudgedError, unjudged } from "./signature-errors.js";

/** Who judges signatures, by an application's options; null: nobody asks for any. */
export function publisherOf({ publisherKeys, swarmId }: ResolvedOptions): LazyPublisher | null {
  return publisherKeys && swarmId !== null ? new LazyPublisher(publisherKeys, swarmId) : null;
}

/** A {@link Publisher} whose code is loaded with the first thing to judge: most pages ask for no signatures. */
export class LazyPublisher {
  readonly #keys: readonly string[];
  readonly #stream: string;
  #publisher: Publisher | null = null;
  #manifest = "";

  /** As {@link Publisher}'s. */
  constructor(keys: readonly string[], stream: string) {
    this.#keys = keys;
    this.#stream = stream;
  }

  /** As {@link Publisher.opened}. */
  opened(url: string): void {
    this.#manifest = url;
    this.#publisher?.opened(url);
  }

  /** As {@link Publisher.playlist}. */
  async playlist(text: string, tags: ReadonlyMap<number, Known>, url: string, manifest?: string): Promise<void> {
    return (await this.#load()).playlist(text, tags, url, manifest);
  }

  /** As {@link Publisher.list}. */
  async list(text: string, url: string, manifest?: string): Promise<string> {
    return (await this.#load()).list(text, url, manifest);
  }

  async #load(): Promise<Publisher> {
    if (this.#publisher) return this.#publisher;
    const { Publisher } = await import("./publisher.js").catch(unjudged);
    if (!this.#publisher) {
      this.#publisher = new Publisher(this.#keys, this.#stream);
      this.#publisher.opened(this.#manifest);
    }
    return this.#publisher;
  }
}

/** How a source of lists has them judged. `manifest`: URL of the manifest that names the list, if one does. */
export function judgeOf(publisher: LazyPublisher | null, manifest?: () => string | undefined): Pick<SourceHost, "judge"> {
  return publisher ? { judge: (text, url) => publisher.list(text, url, manifest?.()) } : {};
}

/** Tells the application why a list or a playlist does not count. */
export function warnOf(session: Session, what: string, error: Error): void {
  const unchecked = error instanceof UnjudgedError ? "signature-unchecked" : "integrity-list";
  const code = error instanceof SignatureError ? "signature" : unchecked;
  session.warn(code, `${what} cannot be used: ${error.message}`);
}
