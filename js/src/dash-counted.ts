import type { CommonMediaRequest, CommonMediaResponse } from "./dash-types.js";
import type { Session } from "./session.js";

/** A segment that may still grow, by the player's own loader, which hands it on in pieces: only counted. */
export function loadCounted(session: Session, request: CommonMediaRequest, response: CommonMediaResponse, byPlayer: () => void): void {
  const { customData } = request;
  const { onabort, onloadend, onprogress } = customData;
  let received = 0;
  customData.onprogress = (event) => {
    received += event.data?.byteLength ?? 0;
    onprogress?.(event);
  };
  customData.onloadend = () => {
    const rest = response.data instanceof ArrayBuffer ? response.data.byteLength : 0;
    session.counters.received(received + rest);
    if (response.status >= 200 && response.status <= 299) session.delivered(received + rest);
    onloadend?.();
  };
  customData.onabort = () => {
    session.counters.received(received);
    onabort?.();
  };
  byPlayer();
}
