/**
 * Swarmline: viewers of one event hand each other the segments they hold. Plug-ins for players are
 * entries of their own (`swarmline/hls`); here is what they have in common.
 */
export { SwarmlineError } from "./errors.js";
export { Swarmline } from "./swarmline.js";
export type * from "./types.js";
