// Bytes by the gigabyte, made of nothing: slices of one pool of noise, whose order only their number gives.
import { createCipheriv, createHash } from 'node:crypto';

const POOL = 4 << 20;
export const CHUNK = 64 << 10;

// The same noise in every process.
const pool = createCipheriv('aes-128-ctr', Buffer.alloc(16, 'mill'), Buffer.alloc(16)).update(Buffer.alloc(POOL));

/** The chunks of a body of so many bytes. They are never written to, so that whoever holds one may go on holding it. */
export function* chunksOf(bytes) {
  for (let number = 0, at = 0; at < bytes; number++) {
    const size = Math.min(CHUNK, bytes - at);
    // An odd stride: chunks begin at 4 million places before one comes again.
    const start = Math.imul(number, 2_654_435) % (POOL - CHUNK);
    const from = start < 0 ? start + POOL - CHUNK : start;
    yield pool.subarray(from, from + size);
    at += size;
  }
}

export const checksum = () => createHash('sha256');

/** The checksum of a body of so many bytes. */
export function checksumOf(bytes) {
  const hash = checksum();
  for (const chunk of chunksOf(bytes)) hash.update(chunk);
  return hash.digest('hex');
}
