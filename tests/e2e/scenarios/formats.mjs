// What packagers write: two viewers share it, and each is given exactly the publisher's bytes.
import { createHash } from "node:crypto";
import { sum } from "../lib/figures.mjs";
import { overKinds } from "../lib/kinds.mjs";
import { startLicences } from "../lib/licences.mjs";
import { KEY, KEY_ID, Streams } from "../lib/streams.mjs";
import { asPublished, describe, joined, reports, undisturbed } from "../lib/swarm.mjs";

/** Waits until one of the viewers has something from the other. */
const given = (t, tabs) =>
  t.until("bytes from a peer", async () => (await Promise.all(tabs.map((tab) => tab.stats()))).some(({ peerBytes }) => peerBytes > 0));

/** A player six seconds behind has four ahead of it: who publishes nothing for longer stops everybody. */
const TOO_LATE_MS = 4_700;

const late = (t, publisher) =>
  t.notJudged(`stalls: nothing was published for ${(publisher.longestPause / 1000).toFixed(1)} s`);

/** A second viewer joins a first one; most of what it plays after that comes from its peer. */
async function share(t, demo, url, { hls = { maxBufferLength: 8 }, dash, protection, seconds = 14, library } = {}) {
  const player = url.endsWith(".mpd") ? { player: "dash", ahead: 8, dash, protection } : { hls, library };
  const publisher = demo.watch(url);
  const tabs = [];
  for (const name of ["first", "second"]) {
    const tab = await t.tab({ name });
    await tab.start({ url, swarm: joined(demo), ...player });
    await tab.playing();
    tabs.push(tab);
  }
  await Promise.all(tabs.map((tab) => tab.peers(1)));
  await given(t, tabs);
  await t.sleep(seconds);
  const seen = await reports(tabs);
  for (const [i, report] of seen.entries()) {
    t.figure(tabs[i].name, describe(report));
    if (report.live && publisher.longestPause > TOO_LATE_MS) late(t, publisher);
    else undisturbed(t, tabs[i].name, report);
    const failed = report.errors.filter(({ details }) => !details.startsWith("buffer"));
    t.check(failed.length === 0, `${tabs[i].name}: ${JSON.stringify(failed)}`);
    await asPublished(t, publisher, tabs[i].name, report);
  }
  return { tabs, seen, publisher };
}

/** Of what both viewers were given from a folder: bytes, those of them that came from the other viewer, and segments. */
function ofFolder(folder, seen) {
  const hashes = new Set();
  for (const { key, sha256 } of seen.flatMap(({ payloads }) => payloads)) {
    if (new URL(key).pathname.includes(`/${folder}/`)) hashes.add(Buffer.from(sha256, "base64url").toString("hex"));
  }
  const segments = seen.flatMap(({ events }) => events.segment).filter(({ hash }) => hashes.has(hash));
  const of = (field) => sum(segments.map((segment) => segment[field]));
  return { bytes: of("bytes"), peerBytes: of("peerBytes"), segments: segments.length };
}

/** An application's server, which knows the publisher's hashes. */
async function published({ url }) {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  return { sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
}

/** Neither playlist nor list has a hash, and yet two viewers share. */
async function unlisted(t, kind, { faults = {}, callback = false }) {
  const demo = await t.demo();
  const publisher = demo.watch();
  await publisher.read();
  await demo.faults({ hideHashes: true, ...faults });
  const tabs = [];
  for (const name of ["first", "second"]) {
    const tab = await t.tab({ name });
    if (callback) await tab.page.exposeFunction("published", published);
    await tab.start({ ...kind.live(demo), swarm: joined(demo), ...(callback ? { hashes: "published" } : {}) });
    await tab.playing();
    tabs.push(tab);
  }
  await Promise.all(tabs.map((tab) => tab.peers(1)));
  await given(t, tabs);
  await t.sleep(10);
  const seen = await reports(tabs);
  await demo.faults();
  for (const [i, report] of seen.entries()) {
    t.figure(tabs[i].name, describe(report));
    const warnings = report.events.warning ?? [];
    t.check(warnings.length === 0, `${tabs[i].name} warned: ${JSON.stringify(warnings)}`);
    undisturbed(t, tabs[i].name, report);
    await asPublished(t, publisher, tabs[i].name, report, { mayMiss: true });
  }
}

function onlyRanges(t, { seen }) {
  const ranged = seen[0].payloads.filter(({ key }) => key.includes("|"));
  t.check(ranged.length === seen[0].payloads.length, "not every payload was a byte range");
}

const MPD = "manifest.mpd";

/** ffmpeg suggests to play two seconds behind it, and names no clock: here it is the player's own. */
const LIVE = { streaming: { delay: { liveDelay: 8 }, utcSynchronization: { enabled: false } } };

/** One packaging by ffmpeg, served and sealed by the demo; `prepare` may open what the players need besides. */
function packaged(format, after = () => {}, { segments, name = "index.m3u8", prepare = () => ({}), ...player } = {}) {
  return {
    name: `format: ${format}`,
    tabs: 2,
    async run(t) {
      const streams = await Streams.open();
      t.closing(() => streams.close());
      const demo = await t.demo(["--input", await streams.make(format)]);
      await demo.ready(name, segments);
      const more = await prepare(t);
      await after(t, { ...more, ...(await share(t, demo, demo.input(name), { ...player, ...more })) });
    },
  };
}

const text = (bytes) => bytes.toString("base64url");

/** A licence server, and the players' way to it. */
async function licensed(t) {
  const licences = await startLicences({ [text(KEY_ID)]: text(KEY) });
  t.closing(() => licences.close());
  return { protection: { "org.w3.clearkey": { serverURL: licences.url } }, licences };
}

export const formats = [
  packaged("mpeg-ts"),
  packaged("byte ranges", onlyRanges),
  packaged("aes-128", (t, { tabs }) => {
    for (const tab of tabs) {
      const asked = tab.requests.filter((url) => url.endsWith("/key.bin")).length;
      t.check(asked > 0, `${tab.name} never asked the origin for the key`);
    }
  }),
  packaged("discontinuity", (t, { seen }) => {
    const pieces = new Set(seen[0].payloads.map(({ key }) => /\/([ab])\d+\.ts/.exec(key)?.[1]));
    t.check(pieces.has("a") && pieces.has("b"), "playback never crossed the discontinuity");
  }),
  // A window long enough that nobody plays at its very beginning.
  packaged("live fmp4", undefined, { segments: 6 }),
  packaged("dash template", undefined, { name: MPD }),
  packaged("dash times", undefined, { name: MPD }),
  packaged("dash segment list", undefined, { name: MPD }),
  packaged("dash byte ranges", onlyRanges, { name: MPD }),
  packaged("dash segment base", onlyRanges, { name: MPD }),
  packaged(
    "dash periods",
    (t, { seen }) => {
      for (const [i, { time }] of seen.entries()) t.check(time > 14, `viewer ${i + 1} never got far into the second period`);
      for (const period of ["a", "b"]) {
        const { bytes, peerBytes, segments } = ofFolder(period, seen);
        t.figure(`period ${period}`, `${segments} segments, ${(peerBytes / bytes).toFixed(3)} of the bytes from the other viewer`);
        t.check(peerBytes > 0, `nothing was shared in period ${period}`);
      }
    },
    { name: MPD, seconds: 16 },
  ),
  packaged(
    "dash cenc",
    async (t, { tabs, seen, publisher, licences }) => {
      t.check(licences.granted === tabs.length, `${licences.granted} licences for ${tabs.length} viewers`);
      for (const [i, tab] of tabs.entries()) {
        const asked = tab.requests.filter((url) => url === licences.url).length;
        t.check(asked > 0, `${tab.name} never asked for a licence`);
        t.check(await tab.act(({ video }) => video.mediaKeys !== null), `${tab.name} played without keys`);
        // What Swarmline had in hand is what the publisher's list names: ciphertext, and nothing else.
        const listed = new Set([...publisher.segments.values()].map(({ sha256 }) => Buffer.from(sha256, "base64url").toString("hex")));
        const others = seen[i].events.segment.filter(({ hash }) => !listed.has(hash));
        t.check(others.length === 0, `${tab.name}: ${JSON.stringify(others)}`);
      }
    },
    { name: MPD, prepare: licensed },
  ),
  packaged("live dash", undefined, { name: MPD, segments: 12, dash: LIVE }),

  {
    name: "format: recording with two renditions and separate sound",
    tabs: 2,
    async run(t) {
      const demo = await t.demo();
      const { seen } = await share(t, demo, demo.vod);
      const kinds = new Set(seen[1].payloads.map(({ type }) => type));
      t.check(kinds.has("main") && kinds.has("audio"), `only ${[...kinds]} was delivered`);
    },
  },

  ...overKinds((kind) => [
    {
      name: `${kind.prefix}hashes from the origin's Repr-Digest`,
      tabs: 2,
      run: (t) => unlisted(t, kind, { faults: { reprDigest: true } }),
    },
    {
      name: `${kind.prefix}hashes from the application's callback`,
      tabs: 2,
      run: (t) => unlisted(t, kind, { callback: true }),
    },
  ]),
];
