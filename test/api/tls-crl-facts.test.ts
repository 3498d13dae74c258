import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { CrlFacts } from '../../ts/index.js';
import { TlsContext } from '../../ts/index.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';

const HOUR = 3_600_000;

let root: Authority;
let other: Authority;
let leaf: Issued;
let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  [root, other] = await Promise.all([Authority.root('First CA'), Authority.root('Second CA')]);
  leaf = await root.issue();
  folder = mkdtempSync(join(tmpdir(), 'millrace-crl-facts-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The facts with times in hours from now, rounded. */
function rounded(facts: readonly CrlFacts[]): object[] {
  const hours = (date: Date): number => Math.round((date.getTime() - Date.now()) / HOUR);
  return facts.map(({ thisUpdate, nextUpdate, ...others }) => ({
    ...others,
    from: hours(thisUpdate),
    to: hours(nextUpdate),
  }));
}

test('a context tells its CRLs, the newest first: whose, from when to when, how many they revoke, and from where', async () => {
  mkdirSync(at('folder'));
  writeFileSync(at('folder/a.crl'), await root.crl([leaf], { from: -3, to: 5 }));
  writeFileSync(at('folder/b.pem'), (await other.crl([], { from: -2 })) + (await root.crl([], { from: -4 })));
  writeFileSync(at('file.crl'), await other.crl([], { from: -5 }));
  const bytes = Buffer.from(await root.crl([], { from: -1, to: 9 }));
  const crl = [at('folder'), bytes, pathToFileURL(at('file.crl'))];
  const wanted = [
    { issuer: 'CN=First CA', from: -1, to: 9, revoked: 0, path: null },
    { issuer: 'CN=Second CA', from: -2, to: 24, revoked: 0, path: at('folder/b.pem') },
    { issuer: 'CN=First CA', from: -3, to: 5, revoked: 1, path: at('folder/a.crl') },
    { issuer: 'CN=First CA', from: -4, to: 24, revoked: 0, path: at('folder/b.pem') },
    { issuer: 'CN=Second CA', from: -5, to: 24, revoked: 0, path: at('file.crl') },
  ];
  const client = await TlsContext.client({ ca: root.cert, crl });
  expect(rounded(client.crls())).toEqual(wanted);
  const { cert, key } = leaf;
  const server = await TlsContext.server({ cert, key, ca: root.cert, requestCert: true, crl });
  expect(rounded(server.crls())).toEqual(wanted);
  await server.update({ crl: at('file.crl') });
  expect(rounded(server.crls())).toEqual(wanted.slice(4));
  await server.update({ crl: undefined });
  expect(server.crls()).toEqual([]);
});

test('reloadCrl resolves with what is in force then, and leaves the facts as they were when it fails', async () => {
  writeFileSync(at('live.crl'), await root.crl([], { from: -2 }));
  const context = await TlsContext.client({ ca: root.cert, crl: at('live.crl') });
  const before = context.crls();
  writeFileSync(at('live.crl'), await root.crl([leaf], { from: -1 }));
  const after = await context.reloadCrl();
  expect(rounded(after)).toEqual([{ issuer: 'CN=First CA', from: -1, to: 24, revoked: 1, path: at('live.crl') }]);
  expect(after).toEqual(context.crls());
  expect(after).not.toEqual(before);
  writeFileSync(at('live.crl'), 'garbage');
  await expect(context.reloadCrl()).rejects.toThrow('the CRLs from before stay in force');
  expect(context.crls()).toEqual(after);
});

test('a context without CRLs tells none', async () => {
  expect((await TlsContext.client({ ca: root.cert })).crls()).toEqual([]);
  expect((await TlsContext.server({ cert: leaf.cert, key: leaf.key })).crls()).toEqual([]);
});
