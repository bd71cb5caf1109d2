import { DashPlugin } from "./dash-plugin.js";
import type { DashPlayer } from "./dash-types.js";
import { SwarmlineError } from "./errors.js";
import { resolveOptions } from "./options.js";
import type { Swarmline } from "./swarmline.js";
import type { SwarmlineOptions } from "./types.js";

export { SwarmlineError } from "./errors.js";
export { Swarmline } from "./swarmline.js";
export type * from "./types.js";

/** Any player of dash.js 5. */
export type DashClass = { extend(...args: never[]): void; getVersion(): string };

const attached = new WeakSet<object>();

/**
 * Lets a dash.js player (5.0 or later) share segments with other viewers of the same stream. Call it before
 * `initialize()`, or in the same task after it.
 *
 * ```ts
 * const player = dashjs.MediaPlayer().create();
 * const swarm = attachSwarmline(player, { trackers: ["wss://tracker.example"] });
 * player.initialize(video, url, true);
 * ```
 *
 * Segment hashes come from the integrity list that the MPD names, or the option `integrityUrl`; without one, from the
 * digests that the CDN sends, or the option `hashes`. `player.reset()` leaves the swarm until there is a stream again,
 * `player.destroy()` and `swarm.destroy()` for good.
 *
 * @throws SwarmlineError for an option that is unknown or out of range, for dash.js 4 and older, and for a player that
 * has a swarm already.
 */
export function attachSwarmline(player: DashClass, options?: SwarmlineOptions): Swarmline {
  const resolved = resolveOptions(options);
  const version = typeof player?.getVersion === "function" ? player.getVersion() : "unknown";
  if (!(Number.parseInt(version, 10) >= 5)) throw new SwarmlineError("player", version, "dash.js 5.0 or later");
  if (attached.has(player)) throw new SwarmlineError("player", player, "a player that attachSwarmline has not had yet");
  attached.add(player);
  const plugin = new DashPlugin(player as unknown as DashPlayer, resolved);
  plugin.connect();
  return plugin.swarmline;
}
