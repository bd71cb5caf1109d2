// Processor time of a whole browser, as the operating system accounts for it: the browser's process and all below it.
import { readFileSync, readdirSync } from "node:fs";

/** Clock ticks in a second, which Linux has fixed for what it tells of itself (USER_HZ). */
const TICKS = 100;

/** Of /proc/<pid>/stat (proc(5)): the parent, and ticks of the process and of children that it has buried. */
function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The second field is a name, which may have blanks and brackets in it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  const [, parent] = fields;
  const [utime, stime, cutime, cstime] = fields.slice(11, 15);
  return { parent, ticks: utime + stime + cutime + cstime };
}

function all() {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = new Map();
  for (const pid of pids) {
    try {
      found.set(Number(pid), stat(pid));
    } catch {
      // It ended in between.
    }
  }
  return found;
}

/** The process of a browser that Playwright drives. */
async function rootOf(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.find(({ type }) => type === "browser").id;
}

/** A meter of one browser. Linux only. */
export async function meter(browser) {
  if (process.platform !== "linux") throw new Error("processor time is read from /proc, which only Linux has");
  const root = await rootOf(browser);
  return () => {
    const processes = all();
    const inside = (pid) => {
      for (let at = pid; at > 1; at = processes.get(at)?.parent ?? 0) if (at === root) return true;
      return false;
    };
    let ticks = 0;
    for (const [pid, process] of processes) if (inside(pid)) ticks += process.ticks;
    return ticks / TICKS;
  };
}
