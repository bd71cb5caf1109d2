// `swarmline demo` as a child process: origin, tracker and fault injection.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Publisher, listOf, mediaPlaylists } from "./publisher.mjs";

export class Demo {
  /** Starts one; resolves when it listens. Further arguments go to the command. */
  static async start(args = []) {
    const binary = process.env.SWARMLINE_DEMO;
    if (!binary) throw new Error("SWARMLINE_DEMO must name the swarmline binary; `cargo xtask test` sets it");
    const child = spawn(binary, ["demo", "--port", "0", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const orphaned = () => child.kill();
    process.once("exit", orphaned);
    child.once("exit", () => process.off("exit", orphaned));
    const errors = [];
    createInterface({ input: child.stderr }).on("line", (line) => errors.push(line));
    const origin = await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const found = /^listening on (http:\/\/[^/]+)/.exec(line);
        if (found) resolve(found[1]);
      });
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`demo ended (${code})\n${errors.join("\n")}`)));
    });
    return new Demo(child, origin, errors);
  }

  constructor(child, origin, errors) {
    this.child = child;
    this.origin = origin;
    this.errors = errors;
    this.publishers = [];
  }

  get live() {
    return `${this.origin}/live/master.m3u8`;
  }

  get vod() {
    return `${this.origin}/vod/master.m3u8`;
  }

  /** The same event for DASH. */
  get dash() {
    return `${this.origin}/live/manifest.mpd`;
  }

  get dashVod() {
    return `${this.origin}/vod/manifest.mpd`;
  }

  /** The same event in chunks of half a second, sent as they are made. */
  get lowLatency() {
    return `${this.origin}/low-latency/manifest.mpd`;
  }

  get lowLatencyList() {
    return `${this.origin}/low-latency/integrity.json`;
  }

  get tracker() {
    return `${this.origin.replace("http", "ws")}/tracker`;
  }

  /** A file of the folder that `--input` names. */
  input(name) {
    return `${this.origin}/live/${name}`;
  }

  /** Waits until a playlist of the input is there, sealed and long enough to start. */
  async ready(name, segments = 3) {
    const end = Date.now() + 40_000;
    const [file, mark] = name.endsWith(".mpd") ? [listOf(name), '"sha256"'] : [name, "#EXT-X-SWARMLINE:"];
    while (Date.now() < end) {
      const text = await fetch(this.input(file)).then((response) => (response.ok ? response.text() : ""));
      if (text.split(mark).length > segments) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`${name} was not served with hashes within 40 s`);
  }

  /**
   * Waits until the newest segment of the live event has been listed for a while. A hls.js that begins just as one appears
   * reads its playlist at that edge again and again; when it comes too early once, it looks again half a segment later, and from
   * then on takes its latency for half a segment less than it is.
   */
  async midSegment(seconds = 0.6) {
    const read = async (url) => (await fetch(url)).text();
    const [playlist] = mediaPlaylists(await read(this.live), this.live);
    const first = await read(playlist);
    while ((await read(playlist)) === first) await new Promise((resolve) => setTimeout(resolve, 50));
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }

  /** What the publisher signs from now on, for comparison with what players were given. */
  watch(url = this.live) {
    const publisher = new Publisher(url);
    this.publishers.push(publisher);
    return publisher;
  }

  async stats() {
    return (await this.control("stats", "GET")).json();
  }

  async reset() {
    await this.control("reset", "POST");
  }

  /** Replaces the fault state; no argument: all is well. */
  async faults(state = {}) {
    await this.control("faults", "POST", JSON.stringify(state));
  }

  async control(path, method, body) {
    const headers = body ? { "content-type": "application/json" } : {};
    const response = await fetch(`${this.origin}/control/${path}`, { method, body, headers });
    if (!response.ok) throw new Error(`/control/${path} answered ${response.status}`);
    return response;
  }

  /** Ends it as Ctrl-C does; tells whether it ended by itself and with what code. */
  async stop() {
    this.publishers.forEach((publisher) => publisher.stop());
    if (this.child.exitCode !== null) return this.child.exitCode;
    this.child.kill("SIGINT");
    const late = setTimeout(() => this.child.kill("SIGKILL"), 5000);
    const [code] = await once(this.child, "exit");
    clearTimeout(late);
    return code;
  }
}
