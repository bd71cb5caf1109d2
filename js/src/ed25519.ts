import { toBase64Url } from "./known.js";

/** Keys as WebCrypto has them, by their text; null: this browser knows no Ed25519, or takes no such key. */
const imported = new Map<string, Promise<CryptoKey | null>>();

/**
 * Whether a signature of a message (Ed25519, RFC 8032) is that of a public key, all in bytes. By WebCrypto, off the main
 * thread; browsers without its Ed25519 load a module for it (Chromium until 136, and pages served over plain HTTP).
 */
export async function verify(key: BufferSource, signature: BufferSource, message: BufferSource): Promise<boolean> {
  const native = await nativeKey(key);
  if (native) return crypto.subtle.verify("Ed25519", native, signature, message);
  const { verifySlowly } = await import("./ed25519-slow.js");
  return verifySlowly(bytesOf(key), bytesOf(signature), bytesOf(message));
}

function nativeKey(key: BufferSource): Promise<CryptoKey | null> {
  const text = toBase64Url(bytesOf(key));
  const known = imported.get(text) ?? importKey(key);
  imported.set(text, known);
  return known;
}

async function importKey(key: BufferSource): Promise<CryptoKey | null> {
  try {
    return (await globalThis.crypto?.subtle?.importKey("raw", key, "Ed25519", false, ["verify"])) ?? null;
  } catch {
    return null;
  }
}

function bytesOf(data: BufferSource): Uint8Array {
  return data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
