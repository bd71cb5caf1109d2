import type { SourceHost } from "./integrity-source.js";
import type { ResolvedOptions } from "./options.js";
import { Publisher, SignatureError } from "./publisher.js";
import type { Session } from "./session.js";

/** Who judges signatures, by an application's options; null: nobody asks for any. */
export function publisherOf({ publisherKeys, swarmId }: ResolvedOptions): Publisher | null {
  return publisherKeys && swarmId !== null ? new Publisher(publisherKeys, swarmId) : null;
}

/** How a source of lists has them judged. */
export function judgeOf(options: ResolvedOptions, publisher = publisherOf(options)): Pick<SourceHost, "judge"> {
  return publisher ? { judge: (text, url) => publisher.list(text, url) } : {};
}

/** Tells the application why a list or a playlist does not count. */
export function warnOf(session: Session, what: string, error: Error): void {
  const code = error instanceof SignatureError ? "signature" : "integrity-list";
  session.warn(code, `${what} cannot be used: ${error.message}`);
}
