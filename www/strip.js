import { bytes, percent, seconds } from "/www/format.js";

/** More than the widest screen shows. */
const KEPT = 240;

/** One lane: a bar for each segment, newest right. Arrow keys, pointer and touch choose one to read about. */
export class Strip {
  #list;
  #tell;
  #chosen = null;
  #details = new WeakMap();

  /** `tell(text, chosen)` is called with the newest segment's words, or the chosen one's. */
  constructor(list, tell) {
    this.#list = list;
    this.#tell = tell;
    list.addEventListener("pointerover", (event) => this.#choose(event.target.closest("li")));
    list.addEventListener("pointerdown", (event) => this.#choose(event.target.closest("li")));
    list.addEventListener("pointerleave", () => this.#choose(null));
    list.addEventListener("focus", () => list.matches(":focus-visible") && this.#choose(list.lastElementChild));
    list.addEventListener("blur", () => this.#choose(null));
    list.addEventListener("keydown", (event) => this.#key(event));
  }

  add(detail) {
    const bar = document.createElement("li");
    const peers = document.createElement("span");
    const share = detail.bytes > 0 ? detail.peerBytes / (detail.peerBytes + detail.cdnBytes) : 0;
    peers.style.height = `${100 * share}%`;
    bar.append(peers);
    bar.title = words(detail, share);
    bar.setAttribute("aria-label", bar.title);
    this.#details.set(bar, bar.title);
    this.#list.append(bar);
    while (this.#list.childElementCount > KEPT) this.#list.firstElementChild.remove();
    if (!this.#chosen?.isConnected) this.#tell(bar.title, false);
  }

  #choose(bar) {
    if (bar === this.#chosen) return;
    this.#chosen?.removeAttribute("data-chosen");
    this.#chosen = bar;
    bar?.setAttribute("data-chosen", "");
    const shown = bar ?? this.#list.lastElementChild;
    if (shown) this.#tell(this.#details.get(shown), bar !== null);
  }

  #key(event) {
    const at = this.#chosen ?? this.#list.lastElementChild;
    const targets = {
      ArrowLeft: at?.previousElementSibling,
      ArrowRight: at?.nextElementSibling,
      End: this.#list.lastElementChild,
      Escape: null,
    };
    if (!(event.key in targets)) return;
    event.preventDefault();
    if (targets[event.key] !== undefined) this.#choose(targets[event.key] ?? (event.key === "Escape" ? null : at));
  }
}

function words({ sn, kind, bytes: size, peerBytes, cdnBytes, slackMs }, share) {
  const name = `${kind === "audio" ? "Audio" : "Video"} segment ${sn}, ${bytes(size)}`;
  const spare = slackMs === null ? "" : `, ${seconds(slackMs / 1000)} to spare`;
  if (peerBytes === 0) return `${name}: all from the CDN${spare}.`;
  if (cdnBytes === 0) return `${name}: all from peers${spare}.`;
  return `${name}: ${percent(share)} from peers (${bytes(peerBytes)}), ${bytes(cdnBytes)} from the CDN${spare}.`;
}
