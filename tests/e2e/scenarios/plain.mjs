// The stream and this harness, without Swarmline: what every other scenario is measured against.
import { leastAhead, pace } from "../lib/figures.mjs";
import { undisturbed } from "../lib/swarm.mjs";

export const plain = [
  {
    name: "plain hls.js plays the live event",
    tabs: 1,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const tab = await t.tab();
      await tab.start({ url: demo.live });
      await tab.playing();
      await t.sleep(30);
      const report = await tab.report();
      // The newest segments may be younger than the last look at the playlists.
      await publisher.read();
      const verdict = publisher.judge(report.payloads);
      t.figure("first frame (ms)", report.firstFrameMs);
      t.figure("pace", pace(report));
      t.figure("least ahead (s)", leastAhead(report, report.firstFrameMs));
      t.figure("payloads as published", verdict.matched);
      undisturbed(t, tab.name, report);
      t.check(report.errors.length === 0, `errors: ${JSON.stringify(report.errors)}`);
      t.check(verdict.matched > 10, `only ${verdict.matched} payloads seen`);
      t.check(verdict.wrong.length + verdict.unknown.length === 0, `not as published: ${JSON.stringify(verdict)}`);
    },
  },
];
