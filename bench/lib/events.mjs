// Live events to play: the demo's own, or a packager's at a bitrate and a segment length of choice.
import { execFile, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Demo } from "../../tests/e2e/lib/demo.mjs";

const run = promisify(execFile);
const CLIP_SECONDS = 24;
const FRAMES = 25;
/** Where a window has to fill before it can be played, it takes its length; a minute is longer than any here. */
const WINDOW_SECONDS = 60;

function ffmpeg() {
  if (!process.env.FFMPEG) throw new Error("FFMPEG must name ffmpeg; `cargo xtask bench` sets it");
  return process.env.FFMPEG;
}

/**
 * One live event with an origin and a tracker of its own. It goes on while contenders play it one after the other; `begin` makes
 * it new for each of them.
 */
class Event {
  round = 0;

  constructor(demo, { seconds, mbit, window, master }, closers) {
    Object.assign(this, { demo, seconds, mbit, window, closers });
    this.hls = master;
    this.dash = demo.dash;
    // The MPD names the same segments.
    this.publisher = demo.watch(master);
  }

  /** Counters at nought, no faults, and a swarm that nobody was ever in. */
  async begin() {
    this.round += 1;
    await this.demo.faults();
    await this.demo.reset();
  }

  async close() {
    await this.demo.stop();
    for (const close of this.closers) await close();
  }
}

/** `seconds`: length of a segment; `mbit`: Mbit/s; `window`: segments that are listed; `clip`: folder of a clip for the demo's event. */
export async function openEvent({ seconds = 2, mbit = 1, window = 8, clip = null } = {}) {
  if (seconds === 2 && mbit === 1) {
    const demo = await Demo.start(["--window", String(window), ...(clip ? ["--clip", clip] : [])]);
    return new Event(demo, { seconds, mbit, window, master: demo.live }, []);
  }
  const folder = await mkdtemp(join(tmpdir(), "swarmline-bench-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  const packager = await startPackager(folder, { seconds, mbit, window });
  const stop = () => void packager.kill("SIGKILL");
  process.once("exit", () => {
    stop();
    rmSync(folder, { recursive: true, force: true });
  });
  try {
    const demo = await Demo.start(["--input", join(folder, "out")]);
    await filled(demo, window);
    return new Event(demo, { seconds, mbit, window, master: demo.live }, [stop, remove]);
  } catch (error) {
    stop();
    await remove();
    throw error;
  }
}

/**
 * Encoded once, then packaged in real time without encoding again. Constant bitrate by filler, which no decoder has to
 * look at: what is measured is delivery.
 */
async function startPackager(folder, { seconds, mbit, window }) {
  const [clip, out] = [join(folder, "clip.mp4"), join(folder, "out")];
  await mkdir(out);
  const rate = `${Math.round(mbit * 1000 - 64)}k`;
  const picture = ["-f", "lavfi", "-i", `testsrc2=size=320x180:rate=${FRAMES}`];
  const sound = ["-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000"];
  const video = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", String(2 * FRAMES), "-keyint_min", String(2 * FRAMES)];
  const constant = ["-sc_threshold", "0", "-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate, "-x264-params", "nal-hrd=cbr:filler=1"];
  await run(ffmpeg(), ["-v", "error", "-y", ...picture, ...sound, "-t", String(CLIP_SECONDS), ...video, ...constant, "-c:a", "aac", "-b:a", "64k", clip]);
  const live = ["-f", "hls", "-hls_time", String(seconds), "-hls_list_size", String(window), "-hls_delete_threshold", "30"];
  const names = ["-hls_segment_type", "fmp4", "-master_pl_name", "master.m3u8", "-hls_segment_filename", join(out, "%d.m4s")];
  const flags = ["-hls_flags", "delete_segments+temp_file+independent_segments+program_date_time"];
  const input = ["-v", "error", "-y", "-re", "-stream_loop", "-1", "-i", clip, "-c", "copy"];
  return spawn(ffmpeg(), [...input, ...live, ...names, ...flags, join(out, "index.m3u8")], { stdio: "ignore" });
}

async function filled(demo, window) {
  const end = Date.now() + (WINDOW_SECONDS + 30) * 1000;
  while (Date.now() < end) {
    const text = await fetch(demo.input("index.m3u8")).then((response) => (response.ok ? response.text() : ""));
    if (text.split("#EXT-X-SWARMLINE:").length > window) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("the packager's window did not fill");
}
