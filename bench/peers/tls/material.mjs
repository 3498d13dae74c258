// What every server is given: a certificate made for the run, one version, one suite, and bodies to send.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../measure/temporary.mjs';

export const TEXT = 'Hello, World!';
export const VERSION = 'TLSv1.3';
/** What OpenSSL prefers, on either side; all servers are told to speak no other. */
export const SUITE = 'TLS_AES_256_GCM_SHA384';
/** A large body, and one that warms, in bytes. */
export const LARGE_BYTES = 1e9;
export const WARM_BYTES = 64e6;
/** What large bodies are written in. */
export const BLOCK = Buffer.alloc(64 << 10, 'millrace');

let made = null;

/** The folder with key.pem and cert.pem, ECDSA on P-256, and both.pem; made at first, gone with the process. */
export function certificate() {
  if (made !== null) return made;
  const folder = temporaryFolder('tls');
  const at = (name) => join(folder, name);
  const files = ['-keyout', at('key.pem'), '-out', at('cert.pem')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...key, ...files, '-days', '2', ...names], { stdio: 'pipe' });
  writeFileSync(at('both.pem'), ['cert.pem', 'key.pem'].map((name) => readFileSync(at(name), 'utf8')).join(''));
  return (made = folder);
}

let bodies = null;

/**
 * A folder with the large bodies as files, each named by its length. They are holes, which take no room on the disk; read
 * once, they are in the page cache like any file that is asked for, and to be sealed all bytes are alike.
 */
export function bodyFolder() {
  if (bodies !== null) return bodies;
  const folder = temporaryFolder('bodies');
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (const length of [LARGE_BYTES, WARM_BYTES]) {
    const path = join(folder, String(length));
    writeFileSync(path, '');
    truncateSync(path, length);
    const file = openSync(path, 'r');
    while (readSync(file, buffer) > 0);
    closeSync(file);
  }
  return (bodies = folder);
}
