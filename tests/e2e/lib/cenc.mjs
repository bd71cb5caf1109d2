// Common Encryption (ISO/IEC 23001-7, scheme cenc) of what ffmpeg's DASH packager writes; ffmpeg itself encrypts no
// fragments that a browser can play. Video keeps its headers clear, as browsers want it; sound is encrypted whole.
import { createCipheriv } from "node:crypto";

/** Of each NAL unit, so much stays clear at least, and at most 15 bytes more. */
const CLEAR = 96;

const box = (kind, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([number(body.length + 8, 4), Buffer.from(kind, "latin1"), body]);
};

function number(value, bytes) {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

function boxes(data) {
  const found = [];
  for (let at = 0; at < data.length; ) {
    const size = data.readUInt32BE(at);
    found.push({ kind: data.toString("latin1", at + 4, at + 8), body: data.subarray(at + 8, at + size) });
    at += size;
  }
  return found;
}

const HOLDERS = ["moov", "trak", "mdia", "minf", "stbl"];

/** An init segment that says that its media is encrypted, with which key. */
export function encryptInit(data, kid) {
  const parts = boxes(data).map(({ kind, body }) => {
    if (HOLDERS.includes(kind)) return box(kind, encryptInit(body, kid));
    if (kind !== "stsd") return box(kind, body);
    const entries = boxes(body.subarray(8)).map((entry) => protectedEntry(entry, kid));
    return box(kind, body.subarray(0, 8), ...entries);
  });
  return Buffer.concat(parts);
}

function protectedEntry({ kind, body }, kid) {
  const scheme = box("schm", number(0, 4), Buffer.from("cenc"), number(0x10000, 4));
  // Encrypted by default, with initialization vectors of 8 bytes.
  const key = box("schi", box("tenc", number(0, 4), number(0x0108, 4), kid));
  const sinf = box("sinf", box("frma", Buffer.from(kind)), scheme, key);
  return box(kind === "mp4a" ? "enca" : "encv", body, sinf);
}

/** A media segment of one fragment; its samples count on from `first`, no two of one key alike. */
export function encryptSegment(data, { key, video, first }) {
  const top = boxes(data);
  const [moof, mdat] = ["moof", "mdat"].map((wanted) => top.find(({ kind }) => kind === wanted).body);
  const media = Buffer.from(mdat);
  const samples = [];
  let at = 0;
  const [header, { body: inside }] = boxes(moof);
  const track = boxes(inside);
  for (const [index, size] of sampleSizes(track.find(({ kind }) => kind === "trun").body).entries()) {
    samples.push(encryptSample(media.subarray(at, at + size), { key, video, iv: number(first + index, 6) }));
    at += size;
  }
  const kept = boxes(data).filter(({ kind }) => kind === "styp").map(({ kind, body }) => box(kind, body));
  return Buffer.concat([...kept, fragment(header, track, samples, video), box("mdat", media)]);
}

function sampleSizes(trun) {
  const flags = trun.readUIntBE(1, 3);
  if (!(flags & 0x200)) throw new Error("a trun without sizes");
  const fields = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag);
  const from = 8 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0);
  const entry = (index) => from + 4 * (index * fields.length + fields.indexOf(0x200));
  return Array.from({ length: trun.readUInt32BE(4) }, (_, index) => trun.readUInt32BE(entry(index)));
}

/** Encrypts a sample where it lies; the answer is what its player has to know of it. */
function encryptSample(sample, { key, video, iv }) {
  const vector = Buffer.concat([Buffer.alloc(2), iv]);
  const cipher = createCipheriv("aes-128-ctr", key, Buffer.concat([vector, Buffer.alloc(8)]));
  const encrypt = (from, to) => cipher.update(sample.subarray(from, to)).copy(sample, from);
  if (!video) {
    encrypt(0, sample.length);
    return vector;
  }
  const parts = [];
  for (let at = 0; at < sample.length; ) {
    const size = 4 + sample.readUInt32BE(at);
    const hidden = Math.max(0, Math.floor((size - CLEAR) / 16) * 16);
    parts.push(number(size - hidden, 2), number(hidden, 4));
    at += size;
    encrypt(at - hidden, at);
  }
  return Buffer.concat([vector, number(parts.length / 2, 2), ...parts]);
}

function fragment(header, track, samples, video) {
  const entries = Buffer.concat(samples);
  const senc = box("senc", number(video ? 2 : 0, 4), number(samples.length, 4), entries);
  const saiz = box("saiz", number(0, 4), number(0, 1), number(samples.length, 4), Buffer.from(samples.map(({ length }) => length)));
  const saio = (offset) => box("saio", number(0, 4), number(1, 4), number(offset, 4));
  const assembled = (size) => {
    const moved = track.map(({ kind, body }) => box(kind, kind === "trun" ? withOffset(body, size + 8) : body));
    return box("moof", box(header.kind, header.body), box("traf", ...moved, saiz, saio(size - entries.length), senc));
  };
  // Any size will do to learn the size.
  return assembled(assembled(entries.length).length);
}

/** Where the first sample is, from the beginning of the fragment on. */
function withOffset(trun, offset) {
  return Buffer.concat([trun.subarray(0, 8), number(offset, 4), trun.subarray(12)]);
}
