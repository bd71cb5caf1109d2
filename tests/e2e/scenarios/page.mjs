// The demo's own page, as a visitor uses it.

const text = (tab, id) => tab.page.textContent(`#${id}`);
const time = (tab) => tab.page.evaluate(() => document.getElementById("video").currentTime);

/** Waits for words on the page. */
const says = (tab, id, words) =>
  tab.page.waitForFunction(([id, words]) => document.getElementById(id).textContent.includes(words), [id, words], {
    timeout: 40_000,
  });

const phone = { viewport: { width: 360, height: 740 }, colorScheme: "dark", hasTouch: true, isMobile: true };

export const page = [
  {
    name: "the demo page shows what peers give, and switches it off and on",
    tabs: 2,
    async run(t) {
      // What a visitor sees, at its full rate.
      const demo = await t.demo([], { smooth: true });
      const url = `${demo.origin}/`;
      const tab = await t.tab({ name: "visitor", url });
      // One of them watches by DASH: it is the same swarm.
      const other = await t.tab({ name: "phone", url: `${url}?stream=/live/manifest.mpd`, context: phone });
      await Promise.all([tab, other].map((tab) => says(tab, "state", "sharing with 1 other viewer")));
      const carriedBy = (tab) => tab.page.locator('#strip-main li[aria-label*="from peers"]').count();
      await t.until("a segment is shown to have come from a peer", async () => (await carriedBy(tab)) + (await carriedBy(other)) > 0);
      await t.sleep(5);
      const stats = await tab.page.evaluate(() => globalThis.demo.swarmline.stats());
      const bars = await tab.page.locator("#strip-main li").count();
      const carried = await Promise.all([tab, other].map(carriedBy));
      t.figure("segments shown, from peers", `${bars}, ${carried}`);
      t.check(bars >= 4, `only ${bars} segments are shown`);
      t.check((await text(tab, "offload")).includes("%"), `net offload reads ${await text(tab, "offload")}`);
      t.check((await tab.page.locator("#peer-list li").count()) === stats.peers, "the list of peers is not the peers");

      // The switch is reached and turned by keyboard alone.
      await tab.page.focus("#p2p");
      await tab.page.keyboard.press("Space");
      await says(tab, "state", "Off: you switched it off");
      await says(other, "state", "no other viewer");
      const before = await time(tab);
      await t.sleep(3);
      const played = (await time(tab)) - before;
      t.check(played > 2, `played ${played.toFixed(2)} s of 3 s after the switch`);
      await tab.page.keyboard.press("Space");
      await says(tab, "state", "sharing with 1 other viewer");

      const wider = await other.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      t.check(wider <= 0, `the page is ${wider} px wider than a phone`);
      for (const tab of t.tabs) {
        const shown = await tab.page.locator("#trouble").isVisible();
        t.check(!shown, `${tab.name} shows trouble: ${await text(tab, "trouble")}`);
      }
    },
  },

  {
    name: "the demo page says why sharing is off",
    tabs: 2,
    async run(t) {
      const demo = await t.demo();
      await demo.faults({ hideHashes: true });
      const tab = await t.tab({ name: "visitor", url: `${demo.origin}/` });
      await says(tab, "state", "the publisher lists no hashes");
      const lonely = await t.tab({ name: "without a tracker", url: `${demo.origin}/?tracker=` });
      await says(lonely, "state", "no tracker is set");
      await t.sleep(4);
      for (const tab of t.tabs) t.check((await time(tab)) > 0, `${tab.name} does not play`);
    },
  },
];
