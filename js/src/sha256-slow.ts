/**
 * SHA-256 without `crypto.subtle`, some blocks at a time, so that no task grows long. FIPS 180-4's
 * names: schedule, rounds, compress.
 */
export async function sha256Slowly(data: ArrayBuffer): Promise<Uint8Array> {
  const state = Uint32Array.from(INITIAL);
  const whole = new Uint8Array(data, 0, data.byteLength - (data.byteLength % BLOCK));
  for (let at = 0; at < whole.length; at += STRIDE) {
    if (at > 0) await new Promise((done) => setTimeout(done));
    compress(state, whole.subarray(at, at + STRIDE));
  }
  compress(state, lastBlocks(data, whole.length));
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => digest.setUint32(4 * index, word));
  return new Uint8Array(digest.buffer);
}

const BLOCK = 64;
/** Bytes hashed in one task: about 5 ms. */
const STRIDE = 256 * 1024;

/** What is left after the last whole block, with FIPS 180-4's padding. */
function lastBlocks(data: ArrayBuffer, from: number): Uint8Array {
  const rest = new Uint8Array(data, from);
  const padded = new Uint8Array(rest.length < BLOCK - 8 ? BLOCK : 2 * BLOCK);
  padded.set(rest);
  padded[rest.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(data.byteLength) * 8n);
  return padded;
}

const PRIMES = firstPrimes(64);
const ROUND = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const INITIAL = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

/** First 32 bits of the fractional part. */
function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n += 1) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes;
}

const schedule = new Uint32Array(64);

function compress(state: Uint32Array, blocks: Uint8Array): void {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength);
  for (let at = 0; at < blocks.length; at += BLOCK) {
    for (let i = 0; i < 16; i += 1) schedule[i] = view.getUint32(at + 4 * i);
    for (let i = 16; i < 64; i += 1) schedule[i] = extend(i);
    rounds(state);
  }
}

const turn = (x: number, by: number): number => (x >>> by) | (x << (32 - by));
const word = (i: number): number => schedule[i] ?? 0;

function extend(i: number): number {
  const a = word(i - 15);
  const b = word(i - 2);
  const low = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3);
  const high = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
  return (word(i - 16) + low + word(i - 7) + high) | 0;
}

function rounds(state: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i += 1) {
    const high = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const one = (h + high + ((e & f) ^ (~e & g)) + (ROUND[i] ?? 0) + word(i)) | 0;
    const low = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((value, index) => {
    state[index] = ((state[index] ?? 0) + value) >>> 0;
  });
}
