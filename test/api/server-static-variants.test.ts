// Files that are there compressed as well.
import type { StaticOptions } from '../../ts/index.js';
import { TEXT, ask, field, servesASite, site } from '../support/static-site.js';
import { endsWithItsTest, get, request } from '../support/test-server.js';

endsWithItsTest();
servesASite();

describe('precompressed variants', () => {
  const ALL: StaticOptions = { precompressed: ['br', 'zstd', 'gzip'] };
  test.each([
    ['gzip, br, zstd', 'br', 'br of it'],
    ['gzip, zstd', 'zstd', 'zstd of it'],
    ['gzip', 'gzip', 'gzip of it'],
    ['x-gzip', 'gzip', 'gzip of it'],
    ['br;q=0.5, gzip;q=0.8', 'gzip', 'gzip of it'],
    ['br;q=0, *', 'zstd', 'zstd of it'],
    ['*', 'br', 'br of it'],
    ['gzip;q=0.5, identity', undefined, TEXT],
    ['gzip;q=0', undefined, TEXT],
    ['deflate', undefined, TEXT],
    ['br;q=nonsense', undefined, TEXT],
    ['', undefined, TEXT],
  ])('Accept-Encoding: %j gets %p', async (accept, coding, body) => {
    const response = await ask(ALL, get('/text.txt', `Accept-Encoding: ${accept}`));
    expect([response.status, field(response, 'content-encoding'), response.body.toString()]).toEqual([
      200,
      coding,
      body,
    ]);
    expect(field(response, 'vary')).toBe('Accept-Encoding');
    expect(field(response, 'content-type')).toBe('text/plain; charset=utf-8');
    expect(field(response, 'content-length')).toBe(String(body.length));
  });

  test('a client that says nothing gets the file itself', async () => {
    expect((await ask(ALL, get('/text.txt'))).body.toString()).toBe(TEXT);
  });

  test('each variant has a tag of its own, and ranges of its own', async () => {
    const tags = new Set<string | undefined>();
    for (const coding of ['br', 'gzip', 'zstd', 'identity']) {
      const response = await ask(ALL, get('/text.txt', `Accept-Encoding: ${coding}`));
      tags.add(field(response, 'etag'));
      const same = await ask(
        ALL,
        get('/text.txt', `Accept-Encoding: ${coding}`, `If-None-Match: ${field(response, 'etag')}`),
      );
      expect([same.status, field(same, 'vary'), field(same, 'content-encoding')]).toEqual([
        304,
        'Accept-Encoding',
        undefined,
      ]);
    }
    expect(tags.size).toBe(4);
    const part = await ask(ALL, get('/text.txt', 'Accept-Encoding: br', 'Range: bytes=0-1'));
    expect([part.status, part.body.toString(), field(part, 'content-range')]).toEqual([206, 'br', 'bytes 0-1/8']);
    expect(field(part, 'content-encoding')).toBe('br');
  });

  test('what is not there, or is older than its file, is passed over', async () => {
    expect((await ask(ALL, get('/only-gzip.js', 'Accept-Encoding: br, gzip'))).body.toString()).toBe('gzip');
    expect((await ask(ALL, get('/stale.txt', 'Accept-Encoding: gzip'))).body.toString()).toBe('new');
  });

  test('a variant that is a link out of the folder, or a folder, is passed over', async () => {
    site.write('linked.txt', 'itself').link('linked.txt.gz', '../secret.txt').write('linked.txt.br/x', '');
    const response = await ask(ALL, get('/linked.txt', 'Accept-Encoding: br, gzip'));
    expect([response.body.toString(), field(response, 'content-encoding')]).toEqual(['itself', undefined]);
  });

  test('the tag of one variant permits no range of another', async () => {
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 5_000);
    try {
      const plain = field(await ask(ALL, get('/text.txt')), 'etag') ?? '';
      const wanted = ['Range: bytes=0-1', `If-Range: ${plain}`];
      const other = await ask(ALL, get('/text.txt', 'Accept-Encoding: gzip', ...wanted));
      expect([other.status, other.body.toString()]).toEqual([200, 'gzip of it']);
      const same = await ask(ALL, get('/text.txt', ...wanted));
      expect([same.status, same.body.toString()]).toEqual([206, TEXT.slice(0, 2)]);
    } finally {
      jest.restoreAllMocks();
    }
  });

  test('HEAD has the length and the coding of the variant', async () => {
    const response = await ask(ALL, request('HEAD', '/text.txt', ['Accept-Encoding: br']), 'HEAD');
    expect([field(response, 'content-length'), field(response, 'content-encoding')]).toEqual(['8', 'br']);
  });

  test('none are served unless asked for', async () => {
    const response = await ask({}, get('/text.txt', 'Accept-Encoding: gzip'));
    expect([response.body.toString(), field(response, 'vary')]).toEqual([TEXT, undefined]);
  });
});
