import { leaf, root } from './chain.js';
import { trustEverywhere } from './raw-client.js';
import { scriptEverywhereOverTls } from './scripted-server.js';
import { serveEverywhereWith } from './test-server.js';

/** From now on servers and clients of the tests of this file speak TLS: import it before a suite that is to run so. */
beforeAll(() => {
  trustEverywhere(root.cert);
  serveEverywhereWith({ cert: leaf.cert, key: leaf.key });
  scriptEverywhereOverTls({ cert: leaf.cert, key: leaf.key, ca: root.cert });
});

type Declare = (title: string, ...rest: unknown[]) => unknown;

/**
 * Runs suites of test/api over TLS: by name, each with the titles of its tests that cannot hold there. Such a title has
 * to be one of the suite's.
 */
export function runOverTls(suites: Readonly<Record<string, readonly string[]>>): void {
  describe.each(Object.entries(suites))('%s', (suite, left) => {
    const all = globalThis.test;
    const unmet = new Set(left);
    const declared =
      (declare: Declare): Declare =>
      (title, ...rest) => {
        unmet.delete(title);
        return left.includes(title) ? undefined : declare(title, ...rest);
      };
    const each = (...table: Parameters<jest.Each>): Declare => declared(all.each(...table) as unknown as Declare);
    globalThis.test = Object.assign(declared(all as Declare), all, { each });
    try {
      jest.requireActual(`../api/${suite}.test.js`);
    } finally {
      globalThis.test = all;
    }
    if (unmet.size > 0) throw new Error(`${suite} has no test ${[...unmet].join(', ')}`);
  });
}
