// One Chromium for all scenarios; one context (and so one renderer process) for each tab.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../js/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
  // Every tab is a viewer who looks at it.
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  // A machine without any network still has this one.
  "--allow-loopback-in-peer-connection",
];

/** Starts the browser named by CHROMIUM. */
export async function launch() {
  const executablePath = process.env.CHROMIUM;
  if (!executablePath) throw new Error("CHROMIUM must name the browser; `cargo xtask test` sets it");
  return chromium.launch({ executablePath, headless: true, args: ["--headless=new", ...FLAGS] });
}
