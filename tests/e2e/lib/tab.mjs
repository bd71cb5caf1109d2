// One viewer: a page in its own renderer process, and what its recorder says.

export class Tab {
  /**
   * Opens the test page, or another.
   * `init`: functions to run in the page before any script. `routes`: [pattern, handler] pairs.
   * `context`: settings of the browser context, such as the size of the screen. `unseen`: as in page/player.js, for all
   * its players.
   */
  static async open(browser, site, { name = "tab", url, init = [], routes = [], context: settings = {}, unseen = false } = {}) {
    const context = await browser.newContext(settings);
    const page = await context.newPage();
    const tab = new Tab(context, page, name, unseen);
    for (const script of init) await page.addInitScript(script);
    for (const [pattern, handler] of routes) await page.route(pattern, handler);
    await page.goto(url ?? `${site.origin}/page/index.html`);
    return tab;
  }

  constructor(context, page, name, unseen) {
    this.context = context;
    this.page = page;
    this.name = name;
    this.unseen = unseen;
    this.dead = false;
    /** Uncaught exceptions and unhandled rejections of the page. */
    this.exceptions = [];
    /** URLs that the page has requested. */
    this.requests = [];
    /** Requests that have neither ended nor failed. */
    this.inFlight = new Set();
    page.on("request", (request) => {
      this.requests.push(request.url());
      this.inFlight.add(request);
    });
    for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => this.inFlight.delete(request));
    page.on("pageerror", (error) => this.exceptions.push(String(error?.stack ?? error)));
  }

  /** From now on all that the page loads by HTTP shares a line of so many bit/s. */
  async line(bitsPerSecond) {
    const session = await this.context.newCDPSession(this.page);
    await session.send("Network.enable");
    const speed = { downloadThroughput: bitsPerSecond / 8, uploadThroughput: -1, latency: 0 };
    await session.send("Network.emulateNetworkConditions", { offline: false, ...speed });
  }

  /** Processor time of the tab's own process until now, in seconds. Chromium only. */
  async processorTime() {
    const session = await this.context.newCDPSession(this.page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    const { metrics } = await session.send("Performance.getMetrics");
    await session.detach();
    return metrics.find(({ name }) => name === "ProcessTime").value;
  }

  /** Starts a player (see page/player.js for what may be set); its number is the answer. */
  async start(config) {
    return this.page.evaluate((config) => window.start(config), { unseen: this.unseen, ...config });
  }

  /** Everything recorded so far. */
  async report(player = 0) {
    return this.page.evaluate((player) => window.report(player), player);
  }

  async stats(player = 0) {
    return this.page.evaluate((player) => window.players[player].stats(), player);
  }

  /** Runs a function in the page, given the player's record. */
  async act(fn, argument, player = 0) {
    const source = `(${fn})(window.players[${player}], ${JSON.stringify(argument ?? null)})`;
    return this.page.evaluate(source);
  }

  /** Waits until a condition on the player's record holds. */
  async until(fn, { seconds = 40, argument, player = 0, what = String(fn) } = {}) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      if (await this.act(fn, argument, player)) return;
      if (Date.now() > end) throw new Error(`${this.name}: not within ${seconds} s: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async playing(options = {}) {
    await this.until((record) => record.firstFrameMs !== null, { what: "a first frame", ...options });
  }

  async peers(count, options = {}) {
    await this.until((record, count) => (record.stats()?.peers ?? 0) >= count, {
      argument: count,
      what: `${count} peers`,
      ...options,
    });
  }

  /** Waits until it has got something from peers or given them something: in a small audience, whoever hears of each
   *  segment first may be the one who fetches it for all. */
  async sharing(options = {}) {
    const shares = (record) => {
      const stats = record.stats();
      return stats !== null && stats.peerBytes + stats.uploadedBytes > 0;
    };
    await this.until(shares, { what: "bytes from or to peers", ...options });
  }

  /** Kills the renderer: no unload handler, no goodbye. */
  async kill() {
    this.dead = true;
    const session = await this.context.newCDPSession(this.page);
    session.send("Page.crash").catch(() => {});
    await this.page.waitForEvent("crash", { timeout: 5000 }).catch(() => {});
  }

  async close() {
    await this.context.close().catch(() => {});
  }
}
