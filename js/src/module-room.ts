import type { Pace } from "./pace.js";

/** What the WebAssembly module weighs on its way, compressed, in bytes. */
const MODULE_BYTES = 128 * 1024;
/** A line that brings the module in this time does not feel it, in ms. */
const UNFELT_MS = 240;
/** On any other the viewer keeps this much ahead, in ms, beyond what the module and a segment take, ... */
const ROOM_MS = 1_000;
/** ... and the module comes when the player has asked for nothing for so long: it has what it wants for now. In ms. */
const REST_MS = 300;

/**
 * When the module may come. It shares the line with segments: on a narrow one that would cost the viewer media and the
 * player's estimate its truth, so there it comes in a pause of the player's.
 */
export class ModuleRoom {
  readonly #pace: Pace;
  #loads = 0;
  #restSince = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** The player asks for a segment. */
  loadBegins(): void {
    this.#loads += 1;
  }

  /** One of those has ended. */
  loadEnds(): void {
    this.#loads -= 1;
    this.#restSince = performance.now();
  }

  /** Whether a viewer who has so much media ahead, in ms, has room for it now. */
  suffices(viewer: { readonly ahead: number }): boolean {
    const moduleMs = this.#pace.takes(MODULE_BYTES);
    if (moduleMs <= UNFELT_MS) return true;
    if (this.#loads > 0 || performance.now() - this.#restSince < REST_MS) return false;
    return viewer.ahead >= moduleMs + this.#pace.takes(this.#pace.largest) + ROOM_MS;
  }
}
