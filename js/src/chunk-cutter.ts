/** A box that says to be longer than this is none, in bytes. */
const MAX_BOX = 256 * 1024 * 1024;

/**
 * Cuts a stream of bytes into CMAF chunks: a chunk ends where an `mdat` ends (ISO/IEC 23000-19 §7.3.2.3). Each is a
 * buffer of its own.
 */
export class ChunkCutter {
  /** What came and was not cut off yet. */
  #parts: Uint8Array[] = [];
  #length = 0;
  /** Where the next box begins, counted from the first byte kept. */
  #next = 0;
  /** When the first byte kept came, in ms. */
  #since = 0;

  /** Takes the next bytes; gives the chunks that are complete now, with the time since their first byte came in ms. */
  push(bytes: Uint8Array, now: number): { data: ArrayBuffer; tookMs: number }[] {
    if (this.#length === 0) this.#since = now;
    this.#parts.push(bytes);
    this.#length += bytes.byteLength;
    const chunks = [];
    for (let end = this.#chunkEnd(); end !== null; end = this.#chunkEnd()) {
      chunks.push({ data: this.#take(end), tookMs: now - this.#since });
      this.#since = now;
    }
    return chunks;
  }

  /** Bytes that belong to no complete chunk. */
  rest(): ArrayBuffer {
    return this.#take(this.#length);
  }

  #chunkEnd(): number | null {
    for (;;) {
      const head = this.#peek(this.#next, 8);
      if (!head) return null;
      const view = new DataView(head.buffer);
      const [size, type] = [view.getUint32(0), view.getUint32(4)];
      // Sizes of 64 bits and "to the end" are not for chunks: such a stream is one piece.
      if (size < 8 || size > MAX_BOX || this.#next + size > this.#length) return null;
      this.#next += size;
      if (type === MDAT) return this.#next;
    }
  }

  #peek(at: number, length: number): Uint8Array<ArrayBuffer> | null {
    return at + length <= this.#length ? this.#copy(at, length) : null;
  }

  #copy(at: number, length: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(length);
    let start = 0;
    for (const part of this.#parts) {
      const from = Math.max(at - start, 0);
      const to = Math.min(at + length - start, part.byteLength);
      if (from < to) out.set(part.subarray(from, to), start + from - at);
      start += part.byteLength;
    }
    return out;
  }

  #take(length: number): ArrayBuffer {
    const { buffer } = this.#copy(0, length);
    const rest = this.#copy(length, this.#length - length);
    this.#parts = rest.byteLength > 0 ? [rest] : [];
    this.#length = rest.byteLength;
    this.#next = 0;
    return buffer;
  }
}

/** "mdat" */
const MDAT = 0x6d646174;
