import type { SourceHost } from "./integrity-source.js";
import type { ResolvedOptions } from "./options.js";
import { Publisher, SignatureError, UnjudgedError } from "./publisher.js";
import type { Session } from "./session.js";

/** Who judges signatures, by an application's options; null: nobody asks for any. */
export function publisherOf({ publisherKeys, swarmId }: ResolvedOptions): Publisher | null {
  return publisherKeys && swarmId !== null ? new Publisher(publisherKeys, swarmId) : null;
}

/** How a source of lists has them judged. `manifest`: URL of the manifest that names the list, if one does. */
export function judgeOf(publisher: Publisher | null, manifest?: () => string | undefined): Pick<SourceHost, "judge"> {
  return publisher ? { judge: (text, url) => publisher.list(text, url, manifest?.()) } : {};
}

/** Tells the application why a list or a playlist does not count. */
export function warnOf(session: Session, what: string, error: Error): void {
  const unchecked = error instanceof UnjudgedError ? "signature-unchecked" : "integrity-list";
  const code = error instanceof SignatureError ? "signature" : unchecked;
  session.warn(code, `${what} cannot be used: ${error.message}`);
}
