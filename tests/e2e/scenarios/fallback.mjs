// Never worse than the CDN: with each part of the machinery missing or broken, playback goes on.
import { overKinds } from "../lib/kinds.mjs";
import { asPublished, describe, joined, reports, undisturbed, viewers } from "../lib/swarm.mjs";
import { noWebRtc } from "../lib/scripts.mjs";

const NOBODY = "ws://127.0.0.1:9/tracker";

/** One viewer plays for a while under some handicap; nothing comes from peers and the reason is told. */
function alone(kind, name, { reason, faults, tab, swarm, after = () => {} }) {
  return {
    name: kind.prefix + name,
    tabs: 1,
    async run(t) {
      const demo = await t.demo();
      if (faults) await demo.faults(faults);
      const viewer = await t.tab({ name: "viewer", ...tab });
      await viewer.start({ ...kind.live(demo), swarm: joined(demo, swarm) });
      await viewer.playing();
      await t.sleep(12);
      const report = await viewer.report();
      t.figure("viewer", describe(report));
      undisturbed(t, "viewer", report);
      const refused = report.errors.filter(({ type }) => type !== "mediaError");
      t.check(refused.length === 0, `requests failed: ${JSON.stringify(refused)}`);
      t.check(report.stats.offReason === reason, `off because of ${report.stats.offReason}, not ${reason}`);
      t.check(report.stats.peerBytes === 0, `${report.stats.peerBytes} bytes from peers`);
      await after(t, demo, report);
    },
  };
}

export const fallback = overKinds((kind) => [
  alone(kind, "no tracker reachable", { reason: null, swarm: { trackers: [NOBODY] } }),
  alone(kind, "no tracker configured", { reason: "no-trackers", swarm: { trackers: [] } }),
  alone(kind, "no WebRTC", { reason: "no-webrtc", tab: { init: [noWebRtc] } }),
  alone(kind, "wasm file missing", {
    reason: "wasm-failed",
    tab: { routes: [["**/swarmline_bg.wasm", (route) => route.fulfill({ status: 404 })]] },
  }),
  alone(kind, "wasm file blocked for good", {
    reason: "loading",
    tab: { routes: [["**/swarmline_bg.wasm", () => {}]] },
  }),
  alone(kind, "playlist without hashes", { reason: "no-hashes", faults: { hideHashes: true } }),

  {
    name: `${kind.prefix}wasm panics while playing`,
    tabs: 3,
    async run(t) {
      const demo = await t.demo();
      const [victim, ...others] = await viewers(t, demo, 3, kind.live(demo));
      await victim.peers(2);
      await victim.sharing();
      const before = await victim.stats();
      await victim.page.evaluate(async () => {
        const glue = await import("/dist/wasm/swarmline.js");
        try {
          glue.forcePanic();
        } catch {
          // The trap comes back to whoever called.
        }
      });
      await t.sleep(12);
      const [report, ...rest] = await reports([victim, ...others]);
      t.figure("victim", describe(report));
      undisturbed(t, "victim", report);
      t.check(report.stats.offReason === "wasm-panicked", `off because of ${report.stats.offReason}`);
      t.check(report.stats.cdnBytes > before.cdnBytes, "the CDN did not take over");
      for (const [i, other] of rest.entries()) {
        undisturbed(t, others[i].name, other);
        t.check(other.stats.peers === 1, `${others[i].name} has ${other.stats.peers} peers; the victim should be gone`);
      }
    },
  },

  {
    name: `${kind.prefix}tracker dies, peers stay`,
    tabs: 3,
    async run(t) {
      const demo = await t.demo();
      const tabs = await viewers(t, demo, 3, kind.live(demo));
      await Promise.all(tabs.map((tab) => tab.peers(2)));
      await t.sleep(4);
      await demo.faults({ trackerDown: true });
      await t.sleep(2);
      const before = await reports(tabs);
      await t.sleep(14);
      const after = await reports(tabs);
      for (const [i, report] of after.entries()) {
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
        t.check(report.stats.peers === 2, `${tabs[i].name} has ${report.stats.peers} of 2 peers`);
        t.check(report.stats.trackersConnected === 0, `${tabs[i].name} still has its tracker`);
        const gained = (key) => report.stats[key] - before[i].stats[key];
        t.check(gained("uploadedBytes") + gained("peerBytes") > 0, `${tabs[i].name} stopped sharing`);
      }
      const gained = (key) => after.reduce((sum, { stats }, i) => sum + stats[key] - before[i].stats[key], 0);
      const share = gained("peerBytes") / gained("deliveredBytes");
      t.figure("share from peers without a tracker", share);
      t.checkSpeed(share > 0.4, `only ${share.toFixed(2)} came from peers`);
    },
  },

  {
    name: `${kind.prefix}P2P switched off and on while playing`,
    tabs: 2,
    async run(t) {
      const demo = await t.demo();
      const [viewer, other] = await viewers(t, demo, 2, kind.live(demo));
      await viewer.peers(1);
      await viewer.act((record) => record.side.swarmline.setEnabled(false));
      await t.sleep(5);
      const off = await viewer.report();
      t.check(off.stats.offReason === "switched-off", `off because of ${off.stats.offReason}`);
      t.check((await other.stats()).peers === 0, "the other viewer still counts it");
      await viewer.act((record) => record.side.swarmline.setEnabled(true));
      await viewer.peers(1);
      await t.sleep(4);
      const [report, rest] = await reports([viewer, other]);
      undisturbed(t, "viewer", report);
      undisturbed(t, "other", rest);
      t.check(report.stats.offReason === null, `still off: ${report.stats.offReason}`);
    },
  },

  {
    name: `${kind.prefix}a page without time to spare leaves its peers, and comes back`,
    tabs: 2,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const [viewer, other] = await viewers(t, demo, 2, kind.live(demo));
      await viewer.sharing();
      await viewer.page.evaluate(keepBusy);
      const reason = async () => (await viewer.stats()).offReason;
      await t.until("it leaves its peers", async () => (await reason()) === "busy");
      await t.until("the other has noticed", async () => (await other.stats()).peers === 0);
      const shared = async () => {
        const { peerBytes, uploadedBytes } = await viewer.stats();
        return peerBytes + uploadedBytes;
      };
      const before = await shared();
      await t.sleep(4);
      t.check((await shared()) === before, "it shared while it rested");
      await viewer.page.evaluate(() => (window.busy = false));
      await t.until("it comes back", async () => (await reason()) === null, { seconds: 60 });
      await viewer.peers(1);
      await t.until("it shares again", async () => (await shared()) > before);
      const [report, rest] = await reports([viewer, other]);
      t.figure("without time to spare", describe(report));
      undisturbed(t, "without time to spare", report);
      undisturbed(t, "other", rest);
      const states = report.events.statechange.map(({ offReason }) => String(offReason)).join(", ");
      t.check(states === "null, busy, null", `its states were ${states}`);
      await asPublished(t, publisher, "without time to spare", report);
    },
  },
]);

/** From now on the main thread is kept busy for 240 of every 300 ms, until `window.busy` is false. */
function keepBusy() {
  window.busy = true;
  const { setTimeout } = window.untouched ?? window;
  const spin = () => {
    if (!window.busy) return;
    const end = performance.now() + 240;
    while (performance.now() < end);
    setTimeout(spin, 60);
  };
  spin();
}
