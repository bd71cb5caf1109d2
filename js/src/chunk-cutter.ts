/** A box that says to be longer than this is none, in bytes. */
const MAX_BOX = 256 * 1024 * 1024;
/** "mdat" */
const MDAT = 0x6d646174;

/** One chunk, in a buffer of its own. */
export interface Chunk {
  readonly data: ArrayBuffer;
  /** How long its bytes took to come, in ms; 0: they came at once, which tells nothing. */
  readonly tookMs: number;
}

interface Read {
  readonly bytes: Uint8Array;
  /** When they came, in ms. */
  readonly at: number;
}

/**
 * Cuts a stream of bytes into chunks: where their lengths are known, by these, else where an `mdat` ends, as CMAF chunks
 * do (ISO/IEC 23000-19 §7.3.2.3).
 */
export class ChunkCutter {
  /** What came and was not cut off yet. */
  readonly #reads: Read[] = [];
  #length = 0;
  /** Where the next box begins, counted from the first byte kept. */
  #box = 0;

  /** Takes the next bytes, which came `now`. */
  push(bytes: Uint8Array, now: number): void {
    if (bytes.byteLength > 0) this.#reads.push({ bytes, at: now });
    this.#length += bytes.byteLength;
  }

  /** The next chunk, `length` bytes long unless that is null; null: it is not complete. */
  next(length: number | null): Chunk | null {
    const end = length ?? this.#mdatEnd();
    return end !== null && end <= this.#length ? this.#take(end) : null;
  }

  /** Bytes that belong to no complete chunk. */
  rest(): Chunk {
    return this.#take(this.#length);
  }

  #mdatEnd(): number | null {
    for (;;) {
      const head = this.#head();
      if (!head) return null;
      const [size, type] = [head.getUint32(0), head.getUint32(4)];
      // Sizes of 64 bits and "to the end" are not for chunks: such a stream is one piece.
      if (size < 8 || size > MAX_BOX || this.#box + size > this.#length) return null;
      this.#box += size;
      if (type === MDAT) return this.#box;
    }
  }

  /** Size and type of the next box. */
  #head(): DataView | null {
    if (this.#box + 8 > this.#length) return null;
    const head = new Uint8Array(8);
    let start = -this.#box;
    for (const { bytes } of this.#reads) {
      for (let at = Math.max(start, 0); at < Math.min(start + bytes.byteLength, 8); at += 1) head[at] = bytes[at - start] ?? 0;
      start += bytes.byteLength;
    }
    return new DataView(head.buffer);
  }

  #take(length: number): Chunk {
    const out = new Uint8Array(length);
    const first = this.#reads[0];
    let [filled, last, early] = [0, first?.at ?? 0, 0];
    while (filled < length) {
      const read = this.#reads[0];
      if (!read) break;
      const part = read.bytes.subarray(0, length - filled);
      out.set(part, filled);
      filled += part.byteLength;
      last = read.at;
      early ||= filled;
      if (part.byteLength === read.bytes.byteLength) this.#reads.shift();
      else this.#reads[0] = { bytes: read.bytes.subarray(part.byteLength), at: read.at };
    }
    this.#length -= length;
    this.#box = 0;
    // The clock started when the first of them were there already.
    const factor = length > early ? length / (length - early) : 0;
    return { data: out.buffer, tookMs: (last - (first?.at ?? 0)) * factor };
  }
}
