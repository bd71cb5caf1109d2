// Streams in the formats that packagers write, made by ffmpeg. The pictures are encoded once; each
// format is only another packaging of them.
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const SEGMENT = ["-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod"];
const ENCODED = [
  "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", "500k",
  "-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-c:a", "aac", "-b:a", "64k",
];

const ffmpeg = (...args) => run(program(), ["-v", "error", "-y", ...args]);

function program() {
  if (!process.env.FFMPEG) throw new Error("FFMPEG must name ffmpeg; `cargo xtask test` sets it");
  return process.env.FFMPEG;
}

const source = (pictures) => [
  "-f", "lavfi", "-i", `${pictures}=size=320x180:rate=30`,
  "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000",
];

/** A folder of its own for one run; `make` gives the folder of a format, whose playlist is index.m3u8. */
export class Streams {
  static async open() {
    return new Streams(await mkdtemp(join(tmpdir(), "swarmline-e2e-")));
  }

  #clips = new Map();

  constructor(folder) {
    this.folder = folder;
    this.packagers = [];
  }

  async close() {
    this.packagers.forEach((packager) => packager.kill("SIGKILL"));
    await rm(this.folder, { recursive: true, force: true });
  }

  async make(format) {
    const folder = join(this.folder, format);
    await mkdir(folder);
    await FORMATS[format](this, folder);
    return folder;
  }

  /** 40 seconds, encoded once however many formats want them. */
  clip(pictures = "testsrc2") {
    if (!this.#clips.has(pictures)) this.#clips.set(pictures, this.#encode(pictures));
    return this.#clips.get(pictures);
  }

  async #encode(pictures) {
    const file = join(this.folder, `${pictures}.mp4`);
    await ffmpeg(...source(pictures), "-t", "40", ...ENCODED, file);
    return file;
  }
}

const DASH = ["-f", "dash", "-seg_duration", "2"];

const FORMATS = {
  async "mpeg-ts"(streams, folder) {
    await ffmpeg("-i", await streams.clip(), "-c", "copy", "-f", "hls", ...SEGMENT, join(folder, "index.m3u8"));
  },

  async "byte ranges"(streams, folder) {
    const single = ["-hls_segment_type", "fmp4", "-hls_flags", "single_file"];
    await ffmpeg("-i", await streams.clip(), "-c", "copy", "-f", "hls", ...SEGMENT, ...single, join(folder, "index.m3u8"));
  },

  async "aes-128"(streams, folder) {
    const [key, info] = [join(folder, "key.bin"), join(folder, "key.info")];
    await writeFile(key, Buffer.from("000102030405060708090a0b0c0d0e0f", "hex"));
    await writeFile(info, `key.bin\n${key}\n`);
    const sealed = ["-hls_key_info_file", info];
    await ffmpeg("-i", await streams.clip(), "-c", "copy", "-f", "hls", ...SEGMENT, ...sealed, join(folder, "index.m3u8"));
  },

  /** Two recordings one after the other; the time stamps start again in between. */
  async discontinuity(streams, folder) {
    for (const [name, pictures] of [["a", "testsrc2"], ["b", "smptebars"]]) {
      const cut = ["-i", await streams.clip(pictures), "-t", "12", "-c", "copy", "-f", "hls", ...SEGMENT];
      await ffmpeg(...cut, "-hls_segment_filename", join(folder, `${name}%d.ts`), join(folder, `${name}.m3u8`));
    }
    const [a, b] = await Promise.all(["a", "b"].map((name) => readFile(join(folder, `${name}.m3u8`), "utf8")));
    const segments = b.slice(b.indexOf("#EXTINF"));
    await writeFile(join(folder, "index.m3u8"), a.replace("#EXT-X-ENDLIST", `#EXT-X-DISCONTINUITY\n${segments.trim()}`));
    await Promise.all(["a", "b"].map((name) => rm(join(folder, `${name}.m3u8`))));
  },

  /** A packager at work: a live window that slides, written as time goes by. */
  async "live fmp4"(streams, folder) {
    const live = ["-hls_time", "2", "-hls_list_size", "8", "-hls_segment_type", "fmp4", "-hls_flags", "delete_segments+temp_file"];
    const args = ["-v", "error", "-y", "-re", "-stream_loop", "-1", "-i", await streams.clip(), "-c", "copy", "-f", "hls"];
    const packager = spawn(program(), [...args, ...live, join(folder, "index.m3u8")], { stdio: "ignore" });
    streams.packagers.push(packager);
  },

  /** Segments named by number, in a timeline. */
  async "dash template"(streams, folder) {
    const template = ["-use_template", "1", "-use_timeline", "1"];
    await ffmpeg("-i", await streams.clip(), "-c", "copy", ...DASH, ...template, join(folder, "manifest.mpd"));
  },

  async "dash segment list"(streams, folder) {
    const list = ["-use_template", "0", "-use_timeline", "0"];
    await ffmpeg("-i", await streams.clip(), "-c", "copy", ...DASH, ...list, join(folder, "manifest.mpd"));
  },

  /** One file for each track, segments are byte ranges of it. */
  async "dash byte ranges"(streams, folder) {
    const single = ["-use_template", "0", "-use_timeline", "0", "-single_file", "1"];
    await ffmpeg("-i", await streams.clip(), "-c", "copy", ...DASH, ...single, join(folder, "manifest.mpd"));
  },

  /** A live window. (Named by `$Time$`, ffmpeg's audio begins at −1024 in the name and at 0 in the MPD: nobody finds it.) */
  async "live dash"(streams, folder) {
    const args = ["-v", "error", "-y", "-re", "-stream_loop", "-1", "-i", await streams.clip(), "-c", "copy", ...DASH];
    const names = ["-media_seg_name", "$RepresentationID$/$Number%05d$.m4s", "-init_seg_name", "$RepresentationID$/init.mp4"];
    const live = ["-window_size", "10", "-extra_window_size", "5", "-use_template", "1", "-use_timeline", "1", ...names];
    await Promise.all(["0", "1"].map((name) => mkdir(join(folder, name))));
    const packager = spawn(program(), [...args, ...live, join(folder, "manifest.mpd")], { stdio: "ignore" });
    streams.packagers.push(packager);
  },
};
