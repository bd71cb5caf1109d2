/** Why a playlist or a list does not count, in words that are the same for all of a stream. */
export class SignatureError extends Error {}

/** Why nobody knows whether it counts: nothing in it is to blame, and the next attempt may succeed. */
export class UnjudgedError extends Error {
  constructor(cause: unknown) {
    super(`its signature could not be checked: ${String(cause)}`);
  }
}

/** Throws it. */
export function unjudged(cause: unknown): never {
  throw new UnjudgedError(cause);
}
