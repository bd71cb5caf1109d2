// The dash.js entry as an application's compiler sees it.
import { MediaPlayer } from "dashjs";
import { attachSwarmline, SwarmlineError, type Swarmline, type SwarmlineOptions } from "swarmline/dash";

const options: SwarmlineOptions = { trackers: ["wss://tracker.example"], integrityUrl: new URL("https://cdn.example/list.json") };
const player = MediaPlayer().create();
const swarm: Swarmline = attachSwarmline(player, options);
player.initialize(document.createElement("video"), "https://cdn.example/manifest.mpd", true);
attachSwarmline(MediaPlayer().create());

swarm.addEventListener("segment", (event) => console.log(event.detail.cdnBytes.toFixed()));
swarm.addEventListener("warning", (event) => console.log(event.detail.code));
console.log(swarm.stats().offload.toFixed(), SwarmlineError.name);
attachSwarmline(MediaPlayer().create(), { hashes: ({ offset, bytes, start }) => (offset === null && start > 0 ? null : { sha256: "", bytes: bytes ?? 1 }) });
swarm.destroy();

// @ts-expect-error: no player
attachSwarmline(document.createElement("video"), options);
// @ts-expect-error: a wrong type
attachSwarmline(player, { integrityUrl: 7 });
