// Keys of a publisher, made by the command that publishers use, in a folder that goes with the scenario.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** So many keys: each with its `file`, and as `public` what viewers have in `publisherKeys`. */
export async function keys(t, count) {
  const folder = await mkdtemp(join(tmpdir(), "swarmline-keys-"));
  t.closing(() => rm(folder, { recursive: true, force: true }));
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const file = join(folder, `${i}.pem`);
      const { stdout } = await run(process.env.SWARMLINE_DEMO, ["keygen", file]);
      return { file, public: /publisherKeys: \["([\w-]{43})"\]/.exec(stdout)[1] };
    }),
  );
}
