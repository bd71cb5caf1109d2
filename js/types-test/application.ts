// The package as an application's compiler sees it: what must compile does, what must not does not.
// Never run. The names are those of the published entries.
import Hls from "hls.js";
import { SwarmlineError, type HashCallback, type OffReason, type PublishedHash, type SwarmlineOptions } from "swarmline";
import { withSwarmline } from "swarmline/hls";

const options: SwarmlineOptions = { trackers: ["wss://tracker.example"], swarmId: "final-2026", maxPeers: 8, publisherKeys: ["A".repeat(43)] };
const SwarmHls = withSwarmline(Hls);
const hls = new SwarmHls({ maxBufferLength: 20, swarmline: options });

// It is still an hls.js player, and may be passed where one is wanted.
const plain: Hls = hls;
plain.loadSource("https://cdn.example/master.m3u8");
hls.on(SwarmHls.Events.MANIFEST_PARSED, (_event, data) => data.levels.length.toFixed());
if (SwarmHls.isSupported()) hls.attachMedia(document.createElement("video"));
new SwarmHls();
new SwarmHls({ swarmline: {} });

// Statistics are numbers; the reason is one of a closed list.
const { offload, peerBytes, cdnBytes, stallsAvoided, offReason } = hls.swarmline.stats();
const total: number = offload + peerBytes + cdnBytes + stallsAvoided;
const reason: OffReason | null = offReason;
console.log(total, reason);

// Events are typed by name.
hls.swarmline.addEventListener("segment", (event) => console.log(event.detail.peerBytes.toFixed(), event.detail.kind));
hls.swarmline.addEventListener("peerdisconnect", (event) => console.log(event.detail.reason.length));
hls.swarmline.setEnabled(false);
hls.swarmline.destroy();

try {
  new SwarmHls({ swarmline: options });
} catch (error) {
  if (error instanceof SwarmlineError) {
    const code: "bad-option" = error.code;
    console.log(code, error.field, error.value, error.allowed);
  }
}

// @ts-expect-error: an unknown option
new SwarmHls({ swarmline: { trackres: [] } });
// @ts-expect-error: a wrong type
new SwarmHls({ swarmline: { maxPeers: "8" } });
// @ts-expect-error: no such event
hls.swarmline.addEventListener("segments", (event) => console.log(event.detail.peerBytes));
// @ts-expect-error: the page's own player knows nothing of Swarmline
new Hls().swarmline.stats();

// Hashes of the application's own, at once or later; null where there is none.
const said = new Map<string, PublishedHash>();
const atOnce: HashCallback = ({ url }) => said.get(url) ?? null;
const later: HashCallback = async (segment) => ({ sha256: await (await fetch(`/hash?sn=${segment.sn.toFixed()}`)).text(), bytes: segment.bytes ?? 1 });
new SwarmHls({ swarmline: { hashes: atOnce } });
new SwarmHls({ swarmline: { hashes: later } });
// @ts-expect-error: a hash without a size
new SwarmHls({ swarmline: { hashes: () => ({ sha256: "" }) } });
// @ts-expect-error: where to ask is the application's business
new SwarmHls({ swarmline: { hashes: "https://api.example/hashes" } });
