import type { CommonMediaRequest, CommonMediaResponse } from "./dash-types.js";
import type { Session } from "./session.js";

/** A segment that may still grow, by the player's own loader, which hands it on in pieces: only counted. */
export function loadCounted(session: Session, request: CommonMediaRequest, response: CommonMediaResponse, byPlayer: () => void): void {
  const { customData } = request;
  const { onloadend, onprogress } = customData;
  const came = (data: unknown, isPlayed: boolean): void => {
    const bytes = data instanceof ArrayBuffer ? data.byteLength : 0;
    session.counters.received(bytes);
    if (isPlayed && bytes > 0) session.delivered(bytes);
  };
  customData.onprogress = (event) => {
    came(event.data, true);
    onprogress?.(event);
  };
  customData.onloadend = () => {
    came(response.data, response.status >= 200 && response.status <= 299);
    onloadend?.();
  };
  byPlayer();
}
