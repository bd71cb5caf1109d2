import { hashes, verify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";

hashes.sha512 = sha512;

/** Ed25519 (RFC 8032, strict) without WebCrypto: a few milliseconds for each signature, as messages are short. */
export function verifySlowly(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  try {
    return verify(signature, message, key, { zip215: false });
  } catch {
    // Bytes that are no key, or no signature.
    return false;
  }
}
