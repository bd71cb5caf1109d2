// What the publisher says about every segment, read from the playlists by a reader that shares no code
// with the loader under test.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../js/package.json", import.meta.url));
const { default: Ajv } = require("ajv/dist/2020.js");
const schema = JSON.parse(readFileSync(new URL("../../../docs/integrity-list.schema.json", import.meta.url), "utf8"));
const isList = new Ajv({ strict: false, formats: { "uri-reference": true } }).compile(schema);

const POLL_MS = 700;

export class Publisher {
  #timer;
  #stopped = false;
  #news = null;

  constructor(master) {
    this.master = master;
    /** "url|first byte-last byte" → { sha256, bytes } as in the tag; a range only where there is one. */
    this.segments = new Map();
    /** The longest time between two reads that both found new segments, in ms, with none between them. */
    this.longestPause = 0;
    this.#poll();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #poll() {
    try {
      await this.read();
    } catch {
      // The origin is down on purpose, or over; the next poll tells.
    }
    if (!this.#stopped) this.#timer = setTimeout(() => this.#poll(), POLL_MS);
  }

  /** Reads every playlist once. */
  async read() {
    if (this.master.endsWith(".json")) return this.#took(parseList(await load(this.master), this.master));
    if (this.master.endsWith(".mpd")) return this.#took(parseList(await load(listOf(this.master)), this.master));
    const text = await load(this.master);
    const media = mediaPlaylists(text, this.master);
    const lists = await Promise.all((media.length ? media : [this.master]).map(async (url) => parse(await load(url), url)));
    this.#took(lists.flat());
  }

  #took(segments) {
    const known = this.segments.size;
    for (const segment of segments) if (segment.sha256) this.segments.set(segment.key, segment);
    if (this.segments.size === known) return;
    const now = performance.now();
    if (this.#news !== null) this.longestPause = Math.max(this.longestPause, now - this.#news);
    this.#news = now;
  }

  /** Compares delivered payloads with the publisher's word: how many match, differ, are unknown. */
  judge(payloads) {
    const verdict = { matched: 0, wrong: [], unknown: [] };
    for (const payload of payloads) {
      const said = this.segments.get(payload.key);
      if (!said) verdict.unknown.push(payload.key);
      else if (said.sha256 === payload.sha256 && said.bytes === payload.bytes) verdict.matched += 1;
      else verdict.wrong.push(payload.key);
    }
    return verdict;
  }
}

async function load(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

/** Integrity lists that were served and do not follow their schema. */
const lists = [];
export const badLists = () => lists.splice(0);

/** Where `swarmline seal` puts an MPD's integrity list. */
export const listOf = (mpd) => mpd.replace(/\.mpd$/, ".integrity.json");

function parseList(text, base) {
  const list = JSON.parse(text);
  const { representations } = list;
  if (!isList(list)) lists.push(`${base}: ${JSON.stringify(isList.errors.slice(0, 3))}`);
  return representations.flatMap(({ segments }) =>
    segments.map(({ url: name, offset, bytes, sha256 }) => {
      const url = new URL(name, base).href;
      return { key: offset === undefined ? url : `${url}|${offset}-${offset + bytes}`, url, sha256, bytes };
    }),
  );
}

/** Every media playlist a master names: variants and alternative renditions. */
export function mediaPlaylists(text, base) {
  const lines = text.split(/\r?\n/);
  const found = [];
  lines.forEach((line, index) => {
    const uri = /^#EXT-X-MEDIA:.*URI="([^"]+)"/.exec(line)?.[1];
    if (uri) found.push(new URL(uri, base).href);
    if (line.startsWith("#EXT-X-STREAM-INF")) found.push(new URL(lines[index + 1], base).href);
  });
  return [...new Set(found)];
}

/** The segments of a media playlist, with what their tags say. */
export function parse(text, base) {
  const segments = [];
  let tag = {};
  let range = null;
  let next = 0;
  for (const line of text.split(/\r?\n/)) {
    const signed = /^#EXT-X-SWARMLINE:SHA256=([\w-]+),(?:ROOT=[\w-]+,)?BYTES=(\d+)$/.exec(line);
    if (signed) tag = { sha256: signed[1], bytes: Number(signed[2]) };
    const part = /^#EXT-X-BYTERANGE:(\d+)(?:@(\d+))?/.exec(line);
    if (part) {
      const first = part[2] === undefined ? next : Number(part[2]);
      next = first + Number(part[1]);
      range = `${first}-${next}`;
    }
    if (line === "" || line.startsWith("#")) continue;
    const url = new URL(line, base).href;
    segments.push({ key: range ? `${url}|${range}` : url, url, ...tag });
    tag = {};
    range = null;
  }
  return segments;
}
