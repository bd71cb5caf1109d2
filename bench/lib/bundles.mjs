// Packages as an application would bundle them: minified ES modules, with what they import in them.
import { build } from "esbuild";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL("..", import.meta.url));

export const folder = process.env.SWARMLINE_BENCH_BUNDLES ?? join(here, "node_modules/.bundles");

/** What a package of the rival ships for pages: minified, with the parts of Node.js that it needs in it. */
export const shipped = (name) => join(here, "node_modules", name, "dist", `${name}.es.min.js`);

/** The rival as a page loads it; hls.js itself stays apart, as the page has it anyway. */
export async function bundleRival() {
  await mkdir(folder, { recursive: true });
  const outfile = join(folder, "rival.js");
  await build({
    entryPoints: [shipped("p2p-media-loader-hlsjs")],
    alias: { "p2p-media-loader-core": shipped("p2p-media-loader-core") },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    outfile,
  });
  return outfile;
}

/** The version of a package that is compared. */
export const versionOf = (name) => require(join(here, "node_modules", name, "package.json")).version;
