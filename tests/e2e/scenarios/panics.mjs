// A panic inside the WebAssembly module, wherever it happens, costs the page its peers and nothing else.
import { overKinds } from "../lib/kinds.mjs";
import { panicInside } from "../lib/scripts.mjs";
import { describe, reports, undisturbed, viewers } from "../lib/swarm.mjs";

const WHERE = ["load", "message", "timer", "trap", "fetch"];

export const panics = overKinds((kind) => [
  {
    name: `${kind.prefix}wasm panics inside a load, a peer's message, a timer, a fetch, or traps without a word`,
    tabs: 6,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const [witness] = await viewers(t, demo, 1, { ...kind.live(demo), names: "witness" });
      const victims = await viewers(t, demo, WHERE.length, { ...kind.live(demo), names: "victim", tab: { init: [panicInside] } });
      await Promise.all(victims.map((tab) => tab.peers(2)));
      for (const [i, where] of WHERE.entries()) {
        // The trap goes through whatever called the module.
        victims[i].expects = /unreachable|RuntimeError/;
        await victims[i].page.evaluate((where) => window.armPanic(where), where);
      }
      const struck = () => Promise.all(victims.map((tab) => tab.page.evaluate(() => window.struck)));
      const all = WHERE.length - 1;
      await t.until("a panic in each place but one", async () => `${(await struck()).slice(0, all)}` === `${WHERE.slice(0, all)}`);
      // The CDN is asked by whoever is first to hear of a segment, which may be the witness every time, as long as it shares.
      await witness.act((record) => record.side.swarmline.setEnabled(false));
      await t.until("a panic in each place", async () => `${await struck()}` === `${WHERE}`);
      const before = await reports(victims);
      await t.sleep(10);
      for (const [i, report] of (await reports(victims)).entries()) {
        t.figure(`panic inside a ${WHERE[i]}`, describe(report));
        undisturbed(t, `victim of a panic inside a ${WHERE[i]}`, report);
        const { offReason, cdnBytes, peers } = report.stats;
        t.check(offReason === "wasm-panicked", `${WHERE[i]}: off because of ${offReason}`);
        t.check(peers === 0, `${WHERE[i]}: still counts ${peers} peers`);
        t.check(cdnBytes > before[i].stats.cdnBytes, `${WHERE[i]}: the CDN did not take over`);
        t.check(report.errors.every(({ fatal }) => !fatal), `${WHERE[i]}: ${JSON.stringify(report.errors)}`);
        const { wrong } = publisher.judge(report.payloads);
        t.check(wrong.length === 0, `${WHERE[i]}: was given ${wrong.join(" ")}`);
      }
      const report = await witness.report();
      undisturbed(t, "witness", report);
      t.check(report.stats.peers === 0, `the witness counts ${report.stats.peers} peers; all are gone`);
    },
  },
]);
