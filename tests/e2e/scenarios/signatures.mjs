// The publisher's signature: what is signed is shared, what is not, or not any more, comes from the CDN.
import { overKinds } from "../lib/kinds.mjs";
import { keys } from "../lib/keys.mjs";
import { Streams } from "../lib/streams.mjs";
import { asPublished, describe, joined, reports, undisturbed } from "../lib/swarm.mjs";

const STREAM = "final-2026";

/** What carries hashes: playlists, and the list beside an MPD. */
const LISTS = /\/live\/(\w+\/index\.m3u8|integrity\.json)/;

/** Arguments of a server that signs with these keys. */
const signing = (...pairs) => [...pairs.flatMap(({ file }) => ["--key", file]), "--stream", STREAM];

/** Viewers who join one after the other; `each` says what is special about one. */
async function watch(t, demo, config, each) {
  const tabs = [];
  for (const [name, { swarm, tab }] of Object.entries(each)) {
    const viewer = await t.tab({ ...tab, name });
    await viewer.start({ ...config, swarm: joined(demo, { swarmId: STREAM, ...swarm }) });
    await viewer.playing();
    tabs.push(viewer);
  }
  return tabs;
}

const warnings = ({ events }, code = "signature") => (events.warning ?? []).filter((warning) => warning.code === code);

async function judge(t, publisher, tabs) {
  const seen = await reports(tabs);
  for (const [i, report] of seen.entries()) {
    t.figure(tabs[i].name, describe(report));
    undisturbed(t, tabs[i].name, report);
    if (publisher) await asPublished(t, publisher, tabs[i].name, report);
  }
  return seen;
}

/** Nothing that these tabs played came from a peer, or went to one. */
function unshared(t, tabs, seen) {
  for (const [i, { stats }] of seen.entries()) {
    const { peerBytes, uploadedBytes, offReason } = stats;
    t.check(peerBytes + uploadedBytes === 0, `${tabs[i].name} shared ${peerBytes + uploadedBytes} bytes`);
    t.check(offReason === "no-hashes", `${tabs[i].name}: P2P is off because of ${offReason}`);
  }
}

/** Each of these tabs was told once, in these words, why hashes do not count. */
function toldOnce(t, tabs, seen, words) {
  for (const [i, report] of seen.entries()) {
    const said = warnings(report).map(({ message }) => message);
    t.check(said.length === 1 && words.test(said[0]), `${tabs[i].name} said ${JSON.stringify(said)}`);
  }
}

/** None of these tabs was told anything of signatures. */
function untold(t, tabs, seen) {
  for (const [i, report] of seen.entries()) {
    t.check(warnings(report).length === 0, `${tabs[i].name} said ${JSON.stringify(warnings(report))}`);
  }
}

/** Lets the tab have other lists than the publisher's. */
const through = (change) => ({
  routes: [[LISTS, async (route) => {
    // A tab may close meanwhile.
    try {
      const response = await route.fetch();
      const body = change(await response.text(), new URL(route.request().url()).pathname);
      await route.fulfill({ response, body });
    } catch {
      await route.abort().catch(() => {});
    }
  }]],
});

/** Runs in the page: a browser from before Ed25519. */
function withoutEd25519() {
  const { importKey } = SubtleCrypto.prototype;
  window.refusedKeys = 0;
  SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...rest) {
    if (algorithm !== "Ed25519") return importKey.call(this, format, key, algorithm, ...rest);
    window.refusedKeys += 1;
    return Promise.reject(new DOMException("Algorithm: Unrecognized name", "NotSupportedError"));
  };
}

export const signatures = [
  ...overKinds((kind) => [
    {
      name: `${kind.prefix}signed: viewers with the publisher's key share, with and without the browser's Ed25519`,
      tabs: 2,
      async run(t) {
        const [key] = await keys(t, 1);
        const demo = await t.demo(signing(key));
        const publisher = demo.watch();
        const swarm = { publisherKeys: [key.public] };
        const tabs = await watch(t, demo, kind.live(demo), { today: { swarm }, "long ago": { swarm, tab: { init: [withoutEd25519] } } });
        await Promise.all(tabs.map((tab) => tab.sharing({ seconds: 60 })));
        await t.sleep(8);
        const seen = await judge(t, publisher, tabs);
        untold(t, tabs, seen);
        const fallback = (tab) => tab.requests.filter((url) => url.includes("ed25519-slow")).length;
        t.check((await tabs[1].page.evaluate(() => window.refusedKeys)) > 0, "the browser was never asked for Ed25519");
        t.check(fallback(tabs[0]) === 0 && fallback(tabs[1]) === 1, `the module was loaded ${tabs.map(fallback)} times`);
      },
    },

    {
      name: `${kind.prefix}signed: one hash that somebody has changed, and nothing is shared`,
      tabs: 2,
      async run(t) {
        const [key] = await keys(t, 1);
        const demo = await t.demo(signing(key));
        const publisher = demo.watch();
        // The first one listed, whether a tag or an entry of the list.
        const other = (letter) => (letter === "A" ? "B" : "A");
        const change = (text) => text.replace(/(SHA256=|"sha256":")([\w-])/, (_, before, letter) => before + other(letter));
        const viewer = { swarm: { publisherKeys: [key.public] }, tab: through(change) };
        const tabs = await watch(t, demo, kind.live(demo), { "viewer 1": viewer, "viewer 2": viewer });
        await t.sleep(14);
        const seen = await judge(t, publisher, tabs);
        unshared(t, tabs, seen);
        toldOnce(t, tabs, seen, /its signature is wrong/);
      },
    },

    {
      name: `${kind.prefix}signed: nobody has signed it, and nothing is shared, whatever digests the CDN sends`,
      tabs: 2,
      async run(t) {
        const [key] = await keys(t, 1);
        const demo = await t.demo();
        const publisher = demo.watch();
        await demo.faults({ reprDigest: true });
        const viewer = { swarm: { publisherKeys: [key.public] } };
        const tabs = await watch(t, demo, kind.live(demo), { "viewer 1": viewer, "viewer 2": viewer });
        await t.sleep(12);
        const seen = await judge(t, publisher, tabs);
        unshared(t, tabs, seen);
        toldOnce(t, tabs, seen, /it is not signed/);
      },
    },

    {
      name: `${kind.prefix}signed: an old list served again is refused, and the next new one counts`,
      tabs: 2,
      async run(t) {
        const [key] = await keys(t, 1);
        const demo = await t.demo(signing(key));
        const publisher = demo.watch();
        const first = new Map();
        let replay = false;
        let replayed = 0;
        const again = (text, path) => {
          if (!first.has(path)) first.set(path, text);
          if (replay) replayed += 1;
          return replay ? first.get(path) : text;
        };
        const swarm = { publisherKeys: [key.public] };
        const tabs = await watch(t, demo, kind.live(demo), { victim: { swarm, tab: through(again) }, other: { swarm } });
        await Promise.all(tabs.map((tab) => tab.sharing({ seconds: 60 })));
        await t.sleep(4);
        replay = true;
        await t.until("an old list is refused", async () => warnings(await tabs[0].report()).length > 0);
        replay = false;
        const before = await tabs[0].stats();
        const given = ({ peerBytes, uploadedBytes }) => peerBytes + uploadedBytes;
        await t.until("it shares again", async () => given(await tabs[0].stats()) > given(before), { seconds: 45 });
        await t.sleep(6);
        const [victim, other] = await judge(t, publisher, tabs);
        t.figure("lists served again", replayed);
        const said = warnings(victim).map(({ message }) => message);
        t.check(said.every((message) => /older than one that was seen/.test(message)), `the victim said ${JSON.stringify(said)}`);
        t.check(warnings(other).length === 0, `the other one said ${JSON.stringify(warnings(other))}`);
        t.check(victim.stats.offReason === null, `P2P is off because of ${victim.stats.offReason}`);
      },
    },

    {
      name: `${kind.prefix}signed: one key replaces another, and who has either shares`,
      tabs: 3,
      async run(t) {
        const [old, young, stranger] = await keys(t, 3);
        const demo = await t.demo(signing(old, young));
        const publisher = demo.watch();
        const tabs = await watch(t, demo, kind.live(demo), {
          "old key": { swarm: { publisherKeys: [old.public] } },
          "new key": { swarm: { publisherKeys: [young.public] } },
          "another publisher's key": { swarm: { publisherKeys: [stranger.public] } },
        });
        await Promise.all(tabs.slice(0, 2).map((tab) => tab.sharing({ seconds: 60 })));
        await t.sleep(6);
        const seen = await judge(t, publisher, tabs);
        unshared(t, tabs.slice(2), seen.slice(2));
        toldOnce(t, tabs.slice(2), seen.slice(2), /none of publisherKeys/);
        untold(t, tabs.slice(0, 2), seen.slice(0, 2));
      },
    },
  ]),

  {
    name: "dash.js: signed: low latency, a signature for each chunk",
    tabs: 2,
    async run(t) {
      const [key] = await keys(t, 1);
      const demo = await t.demo(signing(key));
      const publisher = demo.watch(demo.lowLatencyList);
      const swarm = { publisherKeys: [key.public] };
      const tabs = await watch(t, demo, { player: "dash", url: demo.lowLatency }, { first: { swarm }, second: { swarm } });
      await Promise.all(tabs.map((tab) => tab.sharing({ seconds: 60 })));
      await t.sleep(8);
      const seen = await judge(t, publisher, tabs);
      untold(t, tabs, seen);
    },
  },

  {
    name: "signed: swarmline seal --watch signs what a packager writes",
    tabs: 2,
    async run(t) {
      const streams = await Streams.open();
      t.closing(() => streams.close());
      const [key] = await keys(t, 1);
      const demo = await t.demo(["--input", await streams.make("live fmp4"), ...signing(key)]);
      await demo.ready("index.m3u8");
      const url = demo.input("index.m3u8");
      const publisher = demo.watch(url);
      const swarm = { publisherKeys: [key.public] };
      const tabs = await watch(t, demo, { url }, { first: { swarm }, second: { swarm } });
      await Promise.all(tabs.map((tab) => tab.sharing({ seconds: 60 })));
      await t.sleep(6);
      const seen = await reports(tabs);
      for (const [i, report] of seen.entries()) {
        t.figure(tabs[i].name, describe(report));
        await asPublished(t, publisher, tabs[i].name, report);
      }
      untold(t, tabs, seen);
    },
  },
];
