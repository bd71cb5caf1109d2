// dash.js, plain or with Swarmline. What it was given is told by its own event.
import { DashSide, about } from "/page/dash.js";

export default class MeasuredDash extends DashSide {
  watchPayloads(payload) {
    this.player.on("fragmentLoadingCompleted", ({ request, response }) => {
      const media = request.type === "MediaSegment" && Number.isFinite(request.startTime);
      if (media && response instanceof ArrayBuffer) payload(about(request), response);
    });
  }
}
