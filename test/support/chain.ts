import type { Issued } from './pki.js';
import { Authority } from './pki.js';

/** A CA and a certificate of it for localhost, made once before the tests of a file that imports them. */
export let root: Authority;
export let leaf: Issued;

beforeAll(async () => {
  root = await Authority.root();
  leaf = await root.issue();
});
