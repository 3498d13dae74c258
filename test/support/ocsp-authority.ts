import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Authority, Issued } from './pki.js';

const run = promisify(execFile);
const LIMIT_MS = 20_000;

/** Answers about an authority's certificates by `openssl ocsp`. */
export class OcspAuthority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-ocsp-'));
  readonly #openssl: string;
  #count = 0;

  private constructor(openssl: string) {
    this.#openssl = openssl;
  }

  static async of(authority: Authority, openssl: string): Promise<OcspAuthority> {
    const made = new OcspAuthority(openssl);
    writeFileSync(made.#path('ca.pem'), authority.cert);
    writeFileSync(made.#path('ca.key'), await authority.key());
    return made;
  }

  /** A response (DER) about a certificate; `minutes`: how long it is good. */
  async respond(issued: Issued, { revoked = false, minutes = 60 } = {}): Promise<Buffer> {
    const certificate = this.#path(`${this.#count++}.pem`);
    writeFileSync(certificate, issued.own);
    return this.#answer(issued, revoked, minutes, ['-issuer', this.#path('ca.pem'), '-cert', certificate]);
  }

  /** The response to a request (DER). */
  async answer(request: Uint8Array, issued: Issued, { revoked = false, minutes = 60 } = {}): Promise<Buffer> {
    const path = this.#path(`${this.#count++}.req`);
    writeFileSync(path, request);
    return this.#answer(issued, revoked, minutes, ['-reqin', path]);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answer(issued: Issued, revoked: boolean, minutes: number, request: string[]): Promise<Buffer> {
    const name = this.#count++;
    const serial = issued.x509.serialNumber.toUpperCase();
    const status = revoked ? 'R\t491231235959Z\t250102030405Z,keyCompromise' : 'V\t491231235959Z\t';
    writeFileSync(this.#path(`${name}.txt`), `${status}\t${serial}\tunknown\t/CN=test\n`);
    const out = this.#path(`${name}.der`);
    const ca = ['-CA', this.#path('ca.pem'), '-rsigner', this.#path('ca.pem'), '-rkey', this.#path('ca.key')];
    const rest = ['-nmin', String(minutes), '-no_nonce', '-respout', out];
    const index = ['-index', this.#path(`${name}.txt`)];
    await run(this.#openssl, ['ocsp', ...index, ...ca, ...rest, ...request], { timeout: LIMIT_MS });
    return readFileSync(out);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}
