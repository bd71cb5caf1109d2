// Firefox over WebDriver BiDi, in the shape in which the tabs know a browser: a context for each tab.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../js/package.json", import.meta.url));
const { default: puppeteer } = require("puppeteer-core");

const PREFERENCES = {
  "media.autoplay.default": 0,
  // A machine without any network still has this one.
  "media.peerconnection.ice.loopback": true,
  // Hidden addresses need a resolver of local names that answers.
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  // Every tab is a viewer who looks at it.
  "dom.min_background_timeout_value": 4,
  "dom.timeout.enable_budget_timer_throttling": false,
  "media.suspend-bkgnd-video.enabled": false,
};

/** Starts the browser named by FIREFOX. */
export async function launchFirefox() {
  const executablePath = process.env.FIREFOX;
  if (!executablePath) throw new Error("FIREFOX must name the browser; `cargo xtask test` sets it");
  const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true, extraPrefsFirefox: PREFERENCES });
  return {
    async newContext() {
      const context = await browser.createBrowserContext();
      return { newPage: () => context.newPage(), close: () => context.close() };
    },
    close: () => browser.close(),
  };
}
