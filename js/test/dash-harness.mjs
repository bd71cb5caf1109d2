/** dash.js as the plug-in sees it, to be driven step by step, and a CDN that answers when a test says so. */
import assert from "node:assert/strict";
import { afterEach } from "node:test";
import { DashPlugin } from "../build/dash-plugin.js";
import { resolveOptions } from "../build/options.js";
import { FakeEngine, Media, bytesOf, fakeGlue, settle, sha, until } from "./harness.mjs";

const MPD = "https://cdn.example/live/manifest.mpd";
const closing = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** dash.js's own loader: answers when the test says so, by the callbacks it was given at `load`. */
export class Stock {
  requests = [];
  load(request, response) {
    const { onloadend, onprogress, onabort } = request.customData;
    const entry = { request, response, onloadend, onprogress, aborted: false };
    request.customData.abort = () => {
      entry.aborted = true;
      onabort?.();
    };
    this.requests.push(entry);
    return true;
  }
  answer(data, { status = 200, at = -1, headers = {} } = {}) {
    const { response, onloadend, onprogress } = this.requests.at(at);
    Object.assign(response, { status, statusText: "", url: "", headers, data });
    onprogress?.({ loaded: data?.byteLength ?? 0, total: data?.byteLength ?? 0, lengthComputable: true });
    onloadend?.();
  }
}

/** A box of an ISO media file. */
export function box(type, payload = 0, seed = 1) {
  const bytes = new Uint8Array(8 + payload);
  new DataView(bytes.buffer).setUint32(0, 8 + payload);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(new Uint8Array(bytesOf(payload, seed)), 8);
  return bytes;
}

export const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** An entry of a list: a segment of 1000 bytes and 2 s. */
export const entry = (number) => ({
  url: `v0/${number}.m4s`, number, start: 2 * number, duration: 2, bytes: 1000, sha256: sha(bytesOf(1000, number)),
});

/** A player with the plug-in. Its list has `segments`, those `listed` of one representation if nothing else is said. */
export async function dash({
  listed = [1, 2, 3, 4, 5, 6, 7, 8], segments = listed.map(entry), live = false, glue = fakeGlue(), options = {}, property = true,
} = {}) {
  const data = (n) => bytesOf(1000, n);
  const kept = globalThis.fetch;
  const self = { seen: [], fetched: [], answers: null, settings: [], segments };
  const list = () => JSON.stringify({ version: 1, live, representations: [{ period: "p", id: "v0", segments: self.segments }] });
  globalThis.fetch = async (request) => {
    self.fetched.push(request);
    return (await self.answers?.(request)) ?? new Response(list());
  };
  globalThis.document ??= { baseURI: "https://page.example/" };
  const listeners = new Map();
  const requests = [];
  const video = new Media();
  const extensions = {};
  const player = {
    extend: (name, factory) => { extensions[name] = factory; },
    on: (type, listener) => listeners.set(type, listener),
    off() {},
    getVersion: () => "5.2.1",
    getVideoElement: () => video,
    updateSettings: (settings) => self.settings.push(settings),
    reset: () => self.seen.push("reset"),
    destroy: () => self.seen.push("destroyed"),
  };
  const plugin = new DashPlugin(player, resolveOptions({ trackers: ["wss://t.example"], ...options }), glue);
  plugin.connect();
  assert.deepEqual(Object.keys(extensions), ["XHRLoader", "FetchLoader"]);
  const stock = new Stock();
  const loader = extensions.XHRLoader.call({ parent: stock });
  const own = (type) => {
    const found = [];
    plugin.swarmline.addEventListener(type, ({ detail }) => found.push(detail));
    return found;
  };
  Object.assign(self, { plugin, player, stock, video, data, events: { segment: own("segment"), warning: own("warning"), hashfailure: own("hashfailure") } });
  self.manifest = (more = {}) => {
    const SupplementalProperty = property ? [{ schemeIdUri: "urn:swarmline:integrity:2026", value: "integrity.json" }] : [];
    listeners.get("manifestLoaded")({ data: { url: MPD, originalUrl: MPD, SupplementalProperty, ...more } });
  };
  self.request = (n, more = {}, { timeout = 0 } = {}) => {
    const calls = [];
    const fragment = { type: "MediaSegment", mediaType: "video", range: null, startTime: 2 * n, duration: 2, index: n, url: "", ...more };
    const note = (name) => (event) => calls.push([name, event]);
    const customData = { request: fragment, onloadend: note("end"), onprogress: note("progress"), onabort: note("abort"), ontimeout: note("timeout") };
    const request = { url: `https://cdn.example/live/v0/${n}.m4s?t=2`, method: "GET", headers: { "x-token": "7" }, timeout, customData };
    const response = { status: 0, headers: {}, url: "" };
    requests.push(request);
    loader.load(request, response);
    return { request, response, calls, names: () => calls.map(([name]) => name) };
  };
  self.load = (request, response) => loader.load(request, response);
  /** The first segment by the player's loader, then the first picture: the engine starts. */
  self.start = async () => {
    const before = FakeEngine.made.length;
    self.manifest();
    await until(() => plugin.source.list !== null);
    const first = self.request(1);
    stock.answer(data(1));
    await until(() => first.calls.length > 0 && first.names().includes("end"));
    video.show();
    await until(() => FakeEngine.made.length > before);
    await settle();
    video.at(2, [2, 4]);
    return FakeEngine.made.at(-1);
  };
  closing.push(() => {
    for (const { customData } of requests) customData.abort?.();
    plugin.session.destroy();
    plugin.source.close();
    globalThis.fetch = kept;
  });
  return self;
}

/** The CDN's side of requests for segments: each is answered, sent and ended by the test, and ends when it is aborted. */
export class Cdn {
  requests = [];
  /** Takes what is no request for a list. */
  answers = (request) => {
    if (request.url.endsWith(".json")) return null;
    const one = { url: request.url, range: request.headers.get("range"), cache: request.cache, aborted: false };
    this.requests.push(one);
    return new Promise((resolve, reject) => {
      const body = new ReadableStream({ start: (to) => { one.to = to; }, cancel: () => { one.cancelled = true; } });
      one.answer = (status = one.range ? 206 : 200) => resolve(new Response(body, { status }));
      one.send = (...parts) => parts.forEach((part) => one.to.enqueue(new Uint8Array(part.slice(0))));
      one.end = () => one.to.close();
      one.fail = () => one.to.error(new TypeError("network error"));
      one.whole = (...parts) => {
        one.answer();
        one.send(...parts);
        one.end();
      };
      const abort = () => {
        one.aborted = true;
        const error = new DOMException("aborted", "AbortError");
        reject(error);
        if (!one.cancelled) one.to.error(error);
      };
      if (request.signal.aborted) abort();
      request.signal.addEventListener("abort", abort);
    });
  };
  get last() {
    return this.requests.at(-1);
  }
}
