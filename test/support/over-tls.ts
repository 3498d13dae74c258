import type { Issued } from './pki.js';
import { Authority } from './pki.js';
import { trustEverywhere } from './raw-client.js';
import { serveEverywhereWith } from './test-server.js';

/** From now on servers and clients of the tests of this file speak TLS: import it before a suite that is to run so. */
let leaf: Issued;

beforeAll(async () => {
  const root = await Authority.root();
  leaf = await root.issue();
  trustEverywhere(root.cert);
  serveEverywhereWith({ cert: leaf.cert, key: leaf.key });
});
