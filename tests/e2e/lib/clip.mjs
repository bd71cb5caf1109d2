// The demo's clip with fewer pictures: the same tracks, segments and bit rates at 6 frames per second instead of 30.
// What is tested is delivery. To decode and draw five times as many pictures is a quarter of what a tab costs the
// processor (docs/testing.md), and a tab that gets no processor stands still, whoever delivers to it.
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const MEDIA = fileURLToPath(new URL("../../../media/", import.meta.url));

/** Three in each of the low-latency stream's chunks of half a second. */
const FRAMES_PER_SECOND = 6;
const SEGMENT_FRAMES = String(2 * FRAMES_PER_SECOND);
/** Bit rates as in media/make-clip.sh; filled up where so few pictures need less. */
const VIDEO = { v0: "850k", v1: "300k" };
const FRAGMENTS = "+cmaf+frag_keyframe+empty_moov+default_base_moof+skip_trailer";

/** Makes it in a folder of its own, which `close()` removes. */
export async function thinClip() {
  const folder = await mkdtemp(join(tmpdir(), "swarmline-clip-"));
  const close = () => rm(folder, { recursive: true, force: true });
  try {
    await Promise.all(Object.entries(VIDEO).map(([name, rate]) => encode(folder, `${name}.mp4`, rate)));
    await copyFile(join(MEDIA, "a0.mp4"), join(folder, "a0.mp4"));
  } catch (error) {
    await close();
    throw error;
  }
  return { folder, close };
}

async function encode(folder, file, rate) {
  const ffmpeg = process.env.FFMPEG;
  if (!ffmpeg) throw new Error("FFMPEG must name ffmpeg; `cargo xtask test` sets it");
  await run(ffmpeg, [
    "-nostdin", "-v", "error", "-i", join(MEDIA, file), "-vf", `fps=${FRAMES_PER_SECOND}`,
    "-c:v", "libx264", "-profile:v", "main", "-preset", "veryfast", "-bf", "0",
    "-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-x264-params", "nal-hrd=cbr:open-gop=0",
    "-g", SEGMENT_FRAMES, "-keyint_min", SEGMENT_FRAMES, "-sc_threshold", "0",
    "-movflags", FRAGMENTS, "-video_track_timescale", "30000", join(folder, file),
  ]);
}
