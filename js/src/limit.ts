/** A request that takes longer, or is silent for longer, has failed, where the player itself sets no limit, in ms. */
export const USUAL_LIMIT_MS = 30_000;

/** Gives up after so long, or when `parent` does. Call `done` when the work has ended, either way. */
export function limit(ms: number, parent?: AbortSignal): { signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException("took too long", "TimeoutError")), ms);
  const follow = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  parent?.addEventListener("abort", follow);
  return {
    signal: controller.signal,
    done() {
      clearTimeout(timer);
      parent?.removeEventListener("abort", follow);
    },
  };
}

/** Whether something failed because `limit`'s time was over. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
