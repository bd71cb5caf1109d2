// Streams in the formats that packagers write, made by ffmpeg. The pictures are encoded once; each
// format is only another packaging of them.
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { encryptInit, encryptSegment } from "./cenc.mjs";

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

/** The sound of one recording is not that of another: equal segments would count for both. */
const TONES = { testsrc2: 330, smptebars: 440 };

const source = (pictures) => [
  "-f", "lavfi", "-i", `${pictures}=size=320x180:rate=30`,
  "-f", "lavfi", "-i", `sine=frequency=${TONES[pictures]}:sample_rate=48000`,
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
const TEMPLATE = ["-use_template", "1", "-use_timeline", "1"];

/** The key of the encrypted format, and its id. */
export const KEY = Buffer.from("000102030405060708090a0b0c0d0e0f", "hex");
export const KEY_ID = Buffer.from("a7e61c373e219033c21091fa607bf3b8", "hex");

/** An MPD of what stands between its tags. */
const mpd = (seconds, body) =>
  `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:cenc="urn:mpeg:cenc:2013" profiles="urn:mpeg:dash:profile:isoff-main:2011"
  type="static" mediaPresentationDuration="PT${seconds}S" minBufferTime="PT2S">
${body}
</MPD>
`;

/** The adaptation sets of a packaging in a folder, and where they are. */
async function setsOf(folder, base) {
  const text = await readFile(join(folder, base, "manifest.mpd"), "utf8");
  return `<BaseURL>${base}/</BaseURL>${/<AdaptationSet[^]*<\/AdaptationSet>/.exec(text)[0]}`;
}

/** Where the first box of a kind lies in a file: first and last byte. */
async function rangeOf(kind, file) {
  const data = await readFile(file);
  for (let at = 0; at < data.length; at += data.readUInt32BE(at)) {
    if (data.toString("latin1", at + 4, at + 8) === kind) return `${at}-${at + data.readUInt32BE(at) - 1}`;
  }
  throw new Error(`${file} has no ${kind}`);
}

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
    await ffmpeg("-i", await streams.clip(), "-c", "copy", ...DASH, ...TEMPLATE, join(folder, "manifest.mpd"));
  },

  /** Segments named by time, pictures alone: ffmpeg's sound begins at another time in its name than in the MPD. */
  async "dash times"(streams, folder) {
    const template = ["-use_template", "1", "-use_timeline", "1", "-media_seg_name", "$RepresentationID$-$Time$.m4s"];
    await ffmpeg("-i", await streams.clip(), "-an", "-c", "copy", ...DASH, ...template, join(folder, "manifest.mpd"));
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

  /** One file for each track, whose index names the segments. The MPD says where the picture's index is; for the sound it names the file alone. */
  async "dash segment base"(streams, folder) {
    const indexed = ["-movflags", "+dash+global_sidx+frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "2000000"];
    for (const [track, file] of [["0:v", "v.mp4"], ["0:a", "a.mp4"]]) {
      await ffmpeg("-i", await streams.clip(), "-map", track, "-c", "copy", "-f", "mp4", ...indexed, join(folder, file));
    }
    const [index, moov] = await Promise.all(["sidx", "moov"].map((kind) => rangeOf(kind, join(folder, "v.mp4"))));
    const base = `<SegmentBase indexRange="${index}"><Initialization range="0-${moov.split("-")[1]}"/></SegmentBase>`;
    const set = (type, codecs, file, inside) =>
      `<AdaptationSet contentType="${type}" mimeType="${type}/mp4"><Representation id="${type}" codecs="${codecs}" bandwidth="600000">
<BaseURL>${file}</BaseURL>${inside}</Representation></AdaptationSet>`;
    const sets = set("video", "avc1.42c00d", "v.mp4", base) + set("audio", "mp4a.40.2", "a.mp4", "");
    await writeFile(join(folder, "manifest.mpd"), mpd(40, `<Period>${sets}</Period>`));
  },

  /** Two packagings one after the other. Neither period has an id, and their representations have the same ones. */
  async "dash periods"(streams, folder) {
    for (const [name, pictures] of [["a", "testsrc2"], ["b", "smptebars"]]) {
      await mkdir(join(folder, name));
      const cut = ["-i", await streams.clip(pictures), "-t", "12", "-c", "copy", ...DASH, ...TEMPLATE];
      await ffmpeg(...cut, join(folder, name, "manifest.mpd"));
    }
    const periods = await Promise.all(["a", "b"].map(async (name) => `<Period duration="PT12S">${await setsOf(folder, name)}</Period>`));
    await Promise.all(["a", "b"].map((name) => rm(join(folder, name, "manifest.mpd"))));
    await writeFile(join(folder, "manifest.mpd"), mpd(24, periods.join("\n")));
  },

  /** Segments of ciphertext, all under one key. */
  async "dash cenc"(streams, folder) {
    const clear = join(folder, ".clear");
    await mkdir(clear);
    await ffmpeg("-i", await streams.clip(), "-c", "copy", ...DASH, ...TEMPLATE, join(clear, "manifest.mpd"));
    for (const file of (await readdir(clear)).filter((name) => name.endsWith(".m4s"))) {
      const data = await readFile(join(clear, file));
      const [, track, segment] = /stream(\d)(?:-(\d+))?/.exec(file).map(Number);
      const options = { key: KEY, video: track === 0, first: (track + 1) * 1e9 + segment * 1e4 };
      await writeFile(join(folder, file), file.startsWith("init") ? encryptInit(data, KEY_ID) : encryptSegment(data, options));
    }
    const kid = KEY_ID.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    const protection = `<ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="cenc" cenc:default_KID="${kid}"/>
<ContentProtection schemeIdUri="urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e" value="ClearKey1.0"/>`;
    const sets = (await setsOf(folder, ".clear")).replace("<BaseURL>.clear/</BaseURL>", "");
    await writeFile(join(folder, "manifest.mpd"), mpd(40, `<Period>${sets.replace(/<AdaptationSet[^>]*>/g, `$&${protection}`)}</Period>`));
    await rm(clear, { recursive: true });
  },

  /** A live window. (Named by `$Time$`, ffmpeg's audio begins at −1024 in the name and at 0 in the MPD: nobody finds it.) */
  async "live dash"(streams, folder) {
    const args = ["-v", "error", "-y", "-re", "-stream_loop", "-1", "-i", await streams.clip(), "-c", "copy", ...DASH];
    const names = ["-media_seg_name", "$RepresentationID$/$Number%05d$.m4s", "-init_seg_name", "$RepresentationID$/init.mp4"];
    const live = ["-window_size", "10", "-extra_window_size", "5", ...TEMPLATE, ...names];
    await Promise.all(["0", "1"].map((name) => mkdir(join(folder, name))));
    const packager = spawn(program(), [...args, ...live, join(folder, "manifest.mpd")], { stdio: "ignore" });
    streams.packagers.push(packager);
  },
};
