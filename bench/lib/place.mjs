// What questions work with: the web server of the page, and events that are kept from one run to the next.
import { launch } from "../../tests/e2e/lib/browser.mjs";
import { thinClip } from "../../tests/e2e/lib/clip.mjs";
import { startSite } from "../../tests/e2e/lib/site.mjs";
import { bundleRival, folder } from "./bundles.mjs";
import { openEvent } from "./events.mjs";

export class Place {
  static async open() {
    await bundleRival();
    const rival = "bench/node_modules/p2p-media-loader-core/dist";
    const site = await startSite({ bench: "bench/page", bundle: folder, vendor: "bench/node_modules", rival });
    return new Place(site);
  }

  #events = new Map();
  #clip = null;

  /** Those that run. */
  browsers = new Set();

  constructor(site) {
    this.site = site;
  }

  /** The event with these properties; `thin`: with few pictures. Only the last few are kept: each has a packager at work. */
  async event(wanted = {}, copy = "") {
    const key = JSON.stringify([wanted, copy]);
    if (!this.#events.has(key)) {
      const clip = wanted.thin ? (await (this.#clip ??= thinClip())).folder : null;
      this.#events.set(key, await openEvent({ ...wanted, clip }));
    }
    return this.#events.get(key);
  }

  /** A new browser, for this run or for longer. */
  async launch() {
    const browser = await launch();
    this.browsers.add(browser);
    browser.on("disconnected", () => this.browsers.delete(browser));
    return browser;
  }

  /** Ends all events: the next case has others. */
  async clear() {
    const events = [...this.#events.values()];
    this.#events.clear();
    for (const event of events) await event.close();
  }

  async close() {
    await this.clear();
    await (await this.#clip)?.close();
    await this.site.close();
  }
}
