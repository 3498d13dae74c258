import type { StaticOptions } from '../../ts/index.js';
import { serveStatic } from '../../ts/index.js';
import { until } from './condition.js';
import type { RawResponse } from './raw-client.js';
import { RawClient } from './raw-client.js';
import { Site } from './site.js';
import { start } from './test-server.js';

export const TEXT = 'The quick brown fox jumps over the lazy dog.\n'.repeat(200);
export const MODIFIED = 'Sat, 03 Feb 2001 04:05:06 GMT';

/** The folder that the tests of a file serve; see {@link servesASite}. */
export let site: Site;

/** Makes the folder before the tests of a file; after each of them every file of it must be closed. */
export function servesASite(): void {
  beforeAll(() => {
    site = new Site({
      'a.txt': 'plain',
      'sub/index.html': '<p>index',
      'sub/b.txt': 'below',
      'a b%20?#.txt': 'odd',
      '%2e%2e': 'only a name',
      'ü.txt': 'umlaut',
      '.env': 'secret',
      '.git/config': 'secret',
      '.well-known/ok': 'known',
      '../secret.txt': 'secret',
      'digits.bin': '0123456789'.repeat(100),
      'empty.css': '',
      'page.html': '<p>page',
      'text.txt': TEXT,
      'text.txt.gz': 'gzip of it',
      'text.txt.br': 'br of it',
      'text.txt.zst': 'zstd of it',
      'only-gzip.js': 'as it is',
      'only-gzip.js.gz': 'gzip',
      'wasm.wasm': 'wasm',
      unknown: 'who knows',
    });
    site.write('stale.txt', 'new', new Date('2002-01-01')).write('stale.txt.gz', 'old');
    site.link('inside.txt', 'a.txt').link('out.txt', '../secret.txt').link('up', '..').link('to-dot', '.env');
    site.link('chain', 'out.txt').link('loop', 'loop').link('sub-link', 'sub').pipe('fifo');
  });
  afterAll(() => site.remove());
  // The last byte is with the client a moment before the file is closed.
  afterEach(() => until(() => site.openFiles() === 0, 'every file is closed'));
}

/** The answer to one request of a server of that folder. */
export async function ask(options: StaticOptions, raw: string, method = 'GET'): Promise<RawResponse> {
  const server = await start({ handler: serveStatic(site.root, options), maxUrlSize: 16_384 });
  return (await RawClient.connect(server)).send(raw).response(method);
}

/** A field of an answer, its lines joined. */
export function field(response: RawResponse, name: string): string | undefined {
  return response.headers[name]?.join(', ');
}
