import fs from 'node:fs';
import { readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync, appendFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ServerRequest, ServerResponse, StaticOptions } from '../../ts/index.js';
import { serveStatic, setLogger } from '../../ts/index.js';
import { parseHttpDate } from '../../ts/message/http-date.js';
import { STATIC_OPTIONS } from '../../ts/server/static/options.js';
import { turns, until } from '../support/condition.js';
import type { RawResponse } from '../support/raw-client.js';
import { RawClient } from '../support/raw-client.js';
import { Site } from '../support/site.js';
import { endsWithItsTest, get, request, start } from '../support/test-server.js';

endsWithItsTest();

interface PathRow {
  name: string;
  target: string;
  repeat?: [string, number];
  status: number;
  body?: string;
  location?: string;
}

const PATHS = (JSON.parse(readFileSync(join(__dirname, '../vectors/static-paths.json'), 'utf8')) as { rows: PathRow[] })
  .rows;
const TEXT = 'The quick brown fox jumps over the lazy dog.\n'.repeat(200);
const MODIFIED = 'Sat, 03 Feb 2001 04:05:06 GMT';
let site: Site;

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

async function ask(options: StaticOptions, raw: string, method = 'GET'): Promise<RawResponse> {
  const server = await start({ handler: serveStatic(site.root, options), maxUrlSize: 16_384 });
  return (await RawClient.connect(server)).send(raw).response(method);
}

function field(response: RawResponse, name: string): string | undefined {
  return response.headers[name]?.join(', ');
}

describe('paths', () => {
  test.each(PATHS)('$name: $target is answered with $status', async ({ target, repeat, status, body, location }) => {
    const whole = target + (repeat === undefined ? '' : repeat[0].repeat(repeat[1]));
    const response = await ask({}, get(whole));
    expect(response.status).toBe(status);
    if (body !== undefined) expect(response.body.toString()).toBe(body);
    if (location !== undefined) expect(field(response, 'location')).toBe(location);
    if (status === 404) expect(response.body.toString()).toBe('There is nothing here.\n');
  });

  test('the table has every kind of traversal', () => {
    expect(PATHS.length).toBeGreaterThanOrEqual(60);
  });

  test('names with a dot are served when they are listed, and no others', async () => {
    const options = { dotfiles: ['.well-known'] };
    expect((await ask(options, get('/.well-known/ok'))).body.toString()).toBe('known');
    expect((await ask(options, get('/.env'))).status).toBe(404);
    expect((await ask({ dotfiles: ['..'] }, get('/../secret.txt'))).status).toBe(404);
  });

  test('a link that is exchanged while it is asked for never leads out', async () => {
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    const link = join(site.root, 'swap');
    const folders = [join(site.root, 'sub'), site.outside];
    site.write('sub/secret.txt', 'harmless');
    const seen: Record<number, number> = { 200: 0, 404: 0 };
    let isOver = false;
    const exchange = async (): Promise<void> => {
      while (!isOver) {
        for (const folder of folders) {
          symlinkSync(folder, `${link}.new`);
          renameSync(`${link}.new`, link);
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    };
    const exchanged = exchange();
    for (let round = 0; round < 500; round++) {
      const response = await client.send(get('/swap/secret.txt')).response();
      expect(response.body.toString()).not.toBe('secret');
      seen[response.status]++;
    }
    isOver = true;
    await exchanged;
    expect([seen[200] > 0, seen[404] > 0, seen[200] + seen[404]]).toEqual([true, true, 500]);
    rmSync(link);
  });

  test('a file that is replaced by a rename all the while is always there, in one version or the other', async () => {
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    for (let round = 0; round < 200; round++) {
      client.send(get('/replaced.txt'));
      for (let version = 0; version < 3; version++) {
        writeFileSync(join(site.root, 'next'), version % 2 === 0 ? 'even' : 'odd');
        renameSync(join(site.root, 'next'), join(site.root, 'replaced.txt'));
        await new Promise((resolve) => setImmediate(resolve));
      }
      const response = await client.response();
      if (round > 0) expect(['even', 'odd']).toContain(response.body.toString());
    }
  });
});

describe('methods', () => {
  test('HEAD has the fields of GET and no body', async () => {
    const got = await ask({}, get('/digits.bin'));
    const headed = await ask({}, request('HEAD', '/digits.bin'), 'HEAD');
    expect({ ...headed.headers, date: [] }).toEqual({ ...got.headers, date: [] });
    expect([got.body.length, headed.body.length]).toEqual([1000, 0]);
  });

  test.each(['/nothing', '/../secret.txt', '/sub'])('HEAD of %s has the status of GET and no body', async (target) => {
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    const got = await client.send(get(target)).response();
    const headed = await client.send(request('HEAD', target)).response('HEAD');
    expect({ ...headed.headers, date: [], status: headed.status }).toEqual({
      ...got.headers,
      date: [],
      status: got.status,
    });
    expect(headed.body.length).toBe(0);
    // Nothing of a body was sent either: the connection goes on with the next answer.
    expect((await client.send(get('/a.txt')).response()).body.toString()).toBe('plain');
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is answered with 405 and Allow', async (method) => {
    const response = await ask({}, request(method, '/a.txt'));
    expect([response.status, field(response, 'allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  test('OPTIONS is answered with Allow', async () => {
    const response = await ask({}, request('OPTIONS', '/a.txt'));
    expect([response.status, field(response, 'allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
  });
});

test.each([
  ['/a.txt', 'text/plain; charset=utf-8'],
  ['/sub/', 'text/html; charset=utf-8'],
  ['/empty.css', 'text/css; charset=utf-8'],
  ['/wasm.wasm', 'application/wasm'],
  ['/only-gzip.js', 'text/javascript; charset=utf-8'],
  ['/unknown', 'application/octet-stream'],
])('the type of %s is %s, and no browser may guess another', async (target, type) => {
  const response = await ask({}, get(target));
  expect(field(response, 'content-type')).toBe(type);
  expect(field(response, 'x-content-type-options')).toBe('nosniff');
});

describe('ranges of 1000 bytes', () => {
  const PARTS: [string, number, string | undefined, string][] = [
    ['bytes=0-0', 206, 'bytes 0-0/1000', '0'],
    ['bytes=5-9', 206, 'bytes 5-9/1000', '56789'],
    ['BYTES=5-9', 206, 'bytes 5-9/1000', '56789'],
    ['bytes=998-', 206, 'bytes 998-999/1000', '89'],
    ['bytes=-3', 206, 'bytes 997-999/1000', '789'],
    ['bytes=-1000', 206, 'bytes 0-999/1000', '0123456789'.repeat(100)],
    ['bytes=-5000', 206, 'bytes 0-999/1000', '0123456789'.repeat(100)],
    ['bytes=998-5000', 206, 'bytes 998-999/1000', '89'],
    ['bytes= 1-2 , ', 206, 'bytes 1-2/1000', '12'],
    ['bytes=0-1,1-3', 206, 'bytes 0-3/1000', '0123'],
    ['bytes=3-4,0-1', 206, 'bytes 0-4/1000', '01234'],
    ['bytes=2000-,1-2', 206, 'bytes 1-2/1000', '12'],
    ['bytes=0-,-1', 206, 'bytes 0-999/1000', '0123456789'.repeat(100)],
    ['bytes=1000-', 416, 'bytes */1000', ''],
    ['bytes=5000-6000', 416, 'bytes */1000', ''],
    ['bytes=-0', 416, 'bytes */1000', ''],
    ['bytes=1000-,2000-', 416, 'bytes */1000', ''],
    ['bytes=9-5', 200, undefined, ''],
    ['bytes=', 200, undefined, ''],
    ['bytes=-', 200, undefined, ''],
    ['bytes=a-b', 200, undefined, ''],
    ['bytes=1-2,x', 200, undefined, ''],
    ['bytes=0x1-0x2', 200, undefined, ''],
    ['bytes=+1-2', 200, undefined, ''],
    ['bytes=1--2', 200, undefined, ''],
    ['bytes 1-2', 200, undefined, ''],
    ['lines=1-2', 200, undefined, ''],
    [`bytes=${'0-0,'.repeat(16)}`, 206, 'bytes 0-0/1000', '0'],
    [`bytes=${'0-0,'.repeat(17)}`, 200, undefined, ''],
    ['bytes=0-0,128-128', 206, 'bytes 0-128/1000', '0123456789'.repeat(13).slice(0, 129)],
    [`bytes=${'9'.repeat(30)}-`, 200, undefined, ''],
  ];
  test.each(PARTS)('%s is answered with %d', async (range, status, contentRange, body) => {
    const response = await ask({}, get('/digits.bin', `Range: ${range}`));
    expect([response.status, field(response, 'content-range')]).toEqual([status, contentRange]);
    expect(field(response, 'content-length')).toBe(String(response.body.length));
    if (status === 206) expect(response.body.toString()).toBe(body);
    if (status === 200) expect(response.body.length).toBe(1000);
    if (status !== 416) expect(field(response, 'accept-ranges')).toBe('bytes');
  });

  test('several parts come as multipart/byteranges, in the order that was asked', async () => {
    const response = await ask({}, get('/digits.bin', 'Range: bytes=500-502,0-1,-2'));
    expect(response.status).toBe(206);
    expect(field(response, 'content-range')).toBeUndefined();
    const [, boundary] =
      /^multipart\/byteranges; boundary=(\S{20,70})$/.exec(field(response, 'content-type') ?? '') ?? [];
    const part = (range: string, body: string): string =>
      `--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${range}/1000\r\n\r\n${body}\r\n`;
    const wanted = `${part('500-502', '012')}${part('0-1', '01')}${part('998-999', '89')}--${boundary}--\r\n`;
    expect(response.body.toString()).toBe(wanted);
    expect(field(response, 'content-length')).toBe(String(wanted.length));
  });

  test('parts that are 128 bytes apart come apart, and sixteen of them come', async () => {
    const two = await ask({}, get('/digits.bin', 'Range: bytes=0-0,129-129'));
    expect([two.status, field(two, 'content-type')?.split(';')[0]]).toEqual([206, 'multipart/byteranges']);
    site.write('wide.bin', 'x'.repeat(10_000));
    const sixteen = Array.from({ length: 16 }, (_, at) => `${at * 600}-${at * 600}`);
    const all = await ask({}, get('/wide.bin', `Range: bytes=${sixteen.join(',')}`));
    expect(all.body.toString().match(/^Content-Range: bytes (\S+)\r$/gm)).toEqual(
      sixteen.map((one) => `Content-Range: bytes ${one}/10000\r`),
    );
    const one = await ask({}, get('/wide.bin', `Range: bytes=${sixteen.join(',')},9999-`));
    expect([one.status, one.body.length]).toEqual([200, 10_000]);
  });

  test('a range of an empty file cannot be satisfied', async () => {
    const response = await ask({}, get('/empty.css', 'Range: bytes=0-'));
    expect([response.status, field(response, 'content-range')]).toEqual([416, 'bytes */0']);
  });

  test('HEAD ignores Range', async () => {
    const response = await ask({}, request('HEAD', '/digits.bin', ['Range: bytes=0-1']), 'HEAD');
    expect([response.status, field(response, 'content-length')]).toEqual([200, '1000']);
  });
});

describe('preconditions', () => {
  const LATER = 'Sat, 03 Feb 2001 04:05:07 GMT';
  const EARLIER = 'Sat, 03 Feb 2001 04:05:05 GMT';
  // ETAG stands for the file's own.
  const TABLE: [string[], number][] = [
    [['If-None-Match: ETAG'], 304],
    [['If-None-Match: W/ETAG'], 304],
    [['If-None-Match: "x", ETAG'], 304],
    [['If-None-Match: "a, b",W/"c" , ETAG'], 304],
    [['If-None-Match: *'], 304],
    [['If-None-Match: "x"'], 200],
    [['If-None-Match: x'], 200],
    [['If-None-Match: "x"', `If-Modified-Since: ${LATER}`], 200],
    [['If-None-Match: ETAG', `If-Modified-Since: ${EARLIER}`], 304],
    [[`If-Modified-Since: ${MODIFIED}`], 304],
    [[`If-Modified-Since: ${LATER}`], 304],
    [[`If-Modified-Since: ${EARLIER}`], 200],
    [['If-Modified-Since: Saturday, 03-Feb-01 04:05:06 GMT'], 304],
    [['If-Modified-Since: Sat Feb  3 04:05:06 2001'], 304],
    [['If-Modified-Since: 2001-02-04'], 200],
    [['If-Modified-Since: yesterday'], 200],
    [['If-Match: ETAG'], 200],
    [['If-Match: "x", ETAG'], 200],
    [['If-Match: *'], 200],
    [['If-Match: "x"'], 412],
    [['If-Match: W/ETAG'], 412],
    [['If-Match: ETAG', 'If-None-Match: ETAG'], 304],
    [['If-Match: "x"', 'If-None-Match: ETAG'], 412],
    [['If-Match: ETAG', `If-Unmodified-Since: ${EARLIER}`], 200],
    [[`If-Unmodified-Since: ${MODIFIED}`], 200],
    [[`If-Unmodified-Since: ${EARLIER}`], 412],
    [['If-Unmodified-Since: never'], 200],
    [['Range: bytes=0-0', 'If-Range: ETAG'], 206],
    [['Range: bytes=0-0', 'If-Range: W/ETAG'], 200],
    [['Range: bytes=0-0', 'If-Range: "x"'], 200],
    [['Range: bytes=0-0', `If-Range: ${MODIFIED}`], 206],
    [['Range: bytes=0-0', `If-Range: ${LATER}`], 200],
    [['Range: bytes=0-0', 'If-Range: nonsense'], 200],
    [['Range: bytes=5000-', 'If-Range: "x"'], 200],
    [['Range: bytes=0-0', 'If-None-Match: ETAG'], 304],
    [['Range: bytes=5000-', 'If-Match: "x"'], 412],
  ];
  test.each(TABLE)('%j are answered with %d', async (fields, status) => {
    // What was made a moment ago has a weak tag: its time of change is set back with the clock alone.
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 5_000);
    try {
      const etag = field(await ask({}, get('/digits.bin')), 'etag') ?? '';
      expect(etag).toMatch(/^"[^"]+"$/);
      const response = await ask({}, get('/digits.bin', ...fields.map((one) => one.replace('ETAG', etag))));
      expect(response.status).toBe(status);
      if (status === 304) {
        expect(response.body.length).toBe(0);
        expect([field(response, 'etag'), field(response, 'last-modified')]).toEqual([etag, MODIFIED]);
        expect(field(response, 'cache-control')).toBe('public, max-age=0');
        expect(field(response, 'content-type')).toBeUndefined();
      }
    } finally {
      jest.restoreAllMocks();
    }
  });

  test('a file that has just changed has a weak tag of its own, and its date permits no range', async () => {
    site.write('fresh.txt', 'fresh', new Date());
    const response = await ask({}, get('/fresh.txt'));
    expect(field(response, 'etag')).toMatch(/^W\/"[^"]+-new"$/);
    const date = field(response, 'last-modified') ?? '';
    const again = await ask({}, get('/fresh.txt', 'Range: bytes=0-0', `If-Range: ${date}`));
    expect(again.status).toBe(200);
  });

  test('a weak tag answers If-None-Match, but neither If-Match nor If-Range', async () => {
    const weak = async (...fields: string[]): Promise<[string, RawResponse]> => {
      // It stays new however long the test is held up.
      site.write('fresh.txt', 'fresh', new Date());
      const tag = field(await ask({}, get('/fresh.txt')), 'etag') ?? '';
      expect(tag).toMatch(/^W\//);
      return [tag, await ask({}, get('/fresh.txt', ...fields.map((one) => one.replace('TAG', tag))))];
    };
    jest.spyOn(Date, 'now').mockReturnValue(Date.now());
    try {
      expect((await weak('If-None-Match: TAG'))[1].status).toBe(304);
      expect((await weak('If-Match: TAG'))[1].status).toBe(412);
      expect((await weak('Range: bytes=0-0', 'If-Range: TAG'))[1].status).toBe(200);
    } finally {
      jest.restoreAllMocks();
    }
  });

  test('the weak tag of what was new is not taken for the strong one that it has later', async () => {
    site.write('ripens.txt', 'fresh', new Date());
    const young = field(await ask({}, get('/ripens.txt')), 'etag') ?? '';
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 5_000);
    try {
      const ripe = await ask({}, get('/ripens.txt', `If-None-Match: ${young}`));
      expect([ripe.status, field(ripe, 'etag')?.startsWith('"')]).toEqual([200, true]);
    } finally {
      jest.restoreAllMocks();
    }
  });

  test('HEAD is answered with 304 and 412 as GET is', async () => {
    const etag = field(await ask({}, get('/digits.bin')), 'etag') ?? '';
    const of = async (one: string) => (await ask({}, request('HEAD', '/digits.bin', [one]), 'HEAD')).status;
    expect([await of(`If-None-Match: ${etag}`), await of('If-Match: "x"')]).toEqual([304, 412]);
  });

  test('fields that come more than once are one list', async () => {
    const etag = field(await ask({}, get('/digits.bin')), 'etag') ?? '';
    const response = await ask({}, get('/digits.bin', 'If-None-Match: "x"', `If-None-Match: ${etag}`));
    expect(response.status).toBe(304);
  });

  test('what is not there has no preconditions', async () => {
    expect((await ask({}, get('/nothing', 'If-Match: "x"'))).status).toBe(404);
    expect((await ask({}, get('/nothing', 'If-None-Match: *'))).status).toBe(404);
  });

  test('a change is seen, even one of the same size and date', async () => {
    site.write('changing.txt', 'one');
    const first = await ask({}, get('/changing.txt'));
    site.write('changing.txt', 'two');
    const second = await ask({}, get('/changing.txt', `If-None-Match: ${field(first, 'etag')}`));
    expect([second.status, second.body.toString()]).toEqual([200, 'two']);
  });

  test('a date of the future is told as now', async () => {
    site.write('future.txt', 'x', new Date(Date.now() + 86_400_000));
    const told = parseHttpDate(field(await ask({}, get('/future.txt')), 'last-modified') ?? '') ?? Infinity;
    expect(told).toBeLessThanOrEqual(Date.now());
  });

  test('without etag and lastModified there is nothing to compare with', async () => {
    const options = { etag: false, lastModified: false };
    const response = await ask(options, get('/digits.bin', 'If-None-Match: "x"', `If-Modified-Since: ${LATER}`));
    expect([response.status, field(response, 'etag'), field(response, 'last-modified')]).toEqual([
      200,
      undefined,
      undefined,
    ]);
  });
});

test.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', 784_111_777_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 784_111_777_000],
  ['Sun Nov  6 08:49:37 1994', 784_111_777_000],
  ['Thursday, 01-Jan-76 00:00:00 GMT', 3_345_062_400_000],
  ['Friday, 01-Jan-77 00:00:00 GMT', 220_924_800_000],
  ['Sat, 31 Dec 2016 23:59:60 GMT', 1_483_228_800_000],
  ['Sun, 31 Feb 1994 08:49:37 GMT', undefined],
  ['Sun, 06 Nov 1994 24:49:37 GMT', undefined],
  ['Sun, 06 Nov 1994 08:49:37', undefined],
  ['Sun, 6 Nov 1994 08:49:37 GMT', undefined],
  ['784111777', undefined],
  ['', undefined],
])('the HTTP-date %j is %p', (text, time) => {
  expect(parseHttpDate(text, Date.UTC(2026, 0))).toBe(time);
});

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

describe('options', () => {
  test('prefix: only what is below it is answered, and redirects stay below it', async () => {
    const options = { prefix: '/assets/' };
    expect((await ask(options, get('/assets/a.txt'))).body.toString()).toBe('plain');
    expect((await ask(options, get('/a.txt'))).status).toBe(404);
    expect((await ask(options, get('/assetsa.txt'))).status).toBe(404);
    expect((await ask(options, get('/assets/../a.txt'))).status).toBe(404);
    expect(field(await ask(options, get('/assets/sub')), 'location')).toBe('/assets/sub/');
    expect(field(await ask(options, get('/assets')), 'location')).toBe('/assets/');
  });

  test('index: the first that is there; none when there are none', async () => {
    expect((await ask({ index: ['no.html', 'b.txt'] }, get('/sub/'))).body.toString()).toBe('below');
    expect((await ask({ index: [] }, get('/sub/'))).status).toBe(404);
  });

  test('extensions are tried where a path has no file', async () => {
    expect((await ask({ extensions: ['htm', 'html'] }, get('/page'))).body.toString()).toBe('<p>page');
    expect((await ask({ extensions: ['html'] }, get('/page/'))).status).toBe(404);
    expect((await ask({}, get('/page'))).status).toBe(404);
  });

  test.each([
    [{}, 'public, max-age=0'],
    [{ maxAge: 31_536_000, immutable: true }, 'public, max-age=31536000, immutable'],
    [{ maxAge: 60 }, 'public, max-age=60'],
    [{ maxAge: null }, undefined],
  ])('%j makes Cache-Control %p', async (options, value) => {
    expect(field(await ask(options, get('/a.txt')), 'cache-control')).toBe(value);
  });

  test('setHeaders is called for what is sent, and for a 304', async () => {
    const options: StaticOptions = {
      setHeaders: (res, path, stats) => {
        res.setHeader('X-File', `${path.slice(site.root.length)} ${stats.size}`);
        res.setHeader('Content-Type', 'text/x-own');
      },
    };
    const response = await ask(options, get('/a.txt'));
    expect([field(response, 'x-file'), field(response, 'content-type')]).toEqual(['/a.txt 5', 'text/x-own']);
    const same = await ask(options, get('/a.txt', `If-None-Match: ${field(response, 'etag')}`));
    expect([same.status, field(same, 'x-file')]).toEqual([304, '/a.txt 5']);
  });

  test('onFolder lists what can be asked for and nothing else', async () => {
    const names: string[] = [];
    const options: StaticOptions = {
      async onFolder(_req, res, folder) {
        expect(folder.path).toBe(site.root);
        for await (const entry of folder.entries()) names.push(entry.name);
        res.end('listed');
      },
    };
    expect((await ask(options, get('/'))).body.toString()).toBe('listed');
    expect(names).toEqual(expect.arrayContaining(['a.txt', 'sub', 'inside.txt', 'sub-link', '%2e%2e']));
    for (const hidden of ['.env', '.git', 'out.txt', 'chain', 'up', 'to-dot', 'loop', 'fifo']) {
      expect(names).not.toContain(hidden);
    }
  });

  test('a wrong option is refused at the call, and so is a folder that is none', () => {
    expect(() => serveStatic(site.root, { maxage: 3 } as never)).toThrow(/"maxage"; did you mean "maxAge"/);
    expect(() => serveStatic(site.root, { index: 'index.html' } as never)).toThrow(/"index" must be an array of/);
    expect(() => serveStatic(site.root, { precompressed: ['lzma'] } as never)).toThrow(/"br", "zstd" or "gzip"/);
    expect(() => serveStatic(join(site.root, 'a.txt'))).toThrow(/is not a folder/);
    expect(() => serveStatic(join(site.root, 'nothing'))).toThrow(/ENOENT/);
    expect(() => serveStatic('')).toThrow(/must be a path/);
  });

  test('the page about them says what the table says', () => {
    const page = readFileSync(join(__dirname, '../../docs/static-files.md'), 'utf8');
    for (const { name, default: value } of STATIC_OPTIONS.rows) {
      const text = value === null ? '' : `\`${JSON.stringify(value).replace(/"/g, "'")}\``;
      expect(page).toContain(`| \`${name}\` | ${text} |`.replace('|  |', '| |'));
    }
  });
});

describe('as a step of a chain', () => {
  const files = (options?: StaticOptions) => serveStatic(site.root, options);
  const after = (_req: ServerRequest, res: ServerResponse): unknown => res.end('after');

  test.each([
    [get('/a.txt'), 200, 'plain'],
    [get('/nothing'), 200, 'after'],
    [get('/../secret.txt'), 200, 'after'],
    [get('/'), 200, 'after'],
    [request('POST', '/a.txt'), 200, 'after'],
  ])('%j is answered with %d %j', async (raw, status, body) => {
    const server = await start({ middleware: [files()], handler: after });
    const response = await (await RawClient.connect(server)).send(raw).response();
    expect([response.status, response.body.toString()]).toEqual([status, body]);
  });

  test('with fallthrough off it answers for all', async () => {
    const server = await start({ middleware: [files({ fallthrough: false })], handler: after });
    const client = await RawClient.connect(server);
    expect((await client.send(get('/nothing')).response()).status).toBe(404);
    expect((await client.send(request('POST', '/a.txt')).response()).status).toBe(405);
  });

  test('it goes before a fetch handler', async () => {
    const server = await start({ middleware: [files()], fetch: () => new Response('fetched') });
    const client = await RawClient.connect(server);
    expect((await client.send(get('/a.txt')).response()).body.toString()).toBe('plain');
    expect((await client.send(get('/nothing')).response()).body.toString()).toBe('fetched');
  });
});

describe('bodies', () => {
  const LARGE = Buffer.alloc(3_000_001, 'millrace');
  beforeAll(() => site.write('large.bin', LARGE));

  test('arrive whole, in parts, and pipelined in order', async () => {
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    client.send(
      get('/large.bin') + get('/a.txt') + get('/large.bin', 'Range: bytes=1000000-2999999,0-99') + get('/empty.css'),
    );
    expect((await client.response()).body.equals(LARGE)).toBe(true);
    expect((await client.response()).body.toString()).toBe('plain');
    const parts = (await client.response()).body;
    expect(parts.includes(LARGE.subarray(1_000_000, 3_000_000))).toBe(true);
    expect((await client.response()).body.length).toBe(0);
  });

  test('arrive by inject', async () => {
    const server = await start({ handler: serveStatic(site.root) });
    const response = await server.inject({ url: '/large.bin' });
    expect(LARGE.equals(await response.bytes())).toBe(true);
  });

  test.each([
    ['whole', []],
    ['in parts', ['Range: bytes=0-1000000,1500000-']],
  ])('a client that goes away in the middle leaves no descriptor open (%s)', async (_name, fields) => {
    site.write('huge.bin', '');
    truncateSync(join(site.root, 'huge.bin'), 300 * 1024 * 1024);
    const errors: unknown[] = [];
    setLogger((record) => errors.push(record.message));
    const server = await start({ handler: serveStatic(site.root) });
    for (let round = 0; round < 10; round++) {
      const client = await RawClient.connect(server);
      client.send(get('/huge.bin', ...fields));
      await client.until('\r\n\r\n');
      expect(site.openFiles()).toBeGreaterThan(0);
      if (round % 2 === 0) client.reset();
      else client.destroy();
      await until(
        () => site.openFiles() === 0,
        () => `${site.openFiles()} files are open`,
      );
    }
    await turns(5);
    setLogger(null);
    expect(errors).toEqual([]);
  });

  test.each([
    ['whole', []],
    ['a part', ['Range: bytes=1-']],
  ])('a file that is being sent to a slow client holds one descriptor (%s)', async (_name, fields) => {
    site.write('huge.bin', '');
    truncateSync(join(site.root, 'huge.bin'), 64 * 1024 * 1024);
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    client.socket.pause();
    client.send(get('/huge.bin', ...fields));
    await until(() => server.stats().bytes.sent > 0 && site.openFiles() === 1);
    await turns(20);
    expect(site.openFiles()).toBe(1);
    expect(server.stats().connections.active).toBe(1);
  });

  test('a file that becomes shorter while it is sent cuts the exchange', async () => {
    const path = join(site.root, 'shrinks.bin');
    site.write('shrinks.bin', '');
    truncateSync(path, 64 * 1024 * 1024);
    setLogger(null);
    for (const fields of [[], ['Range: bytes=0-9,1000-67108000']]) {
      truncateSync(path, 64 * 1024 * 1024);
      const server = await start({ handler: serveStatic(site.root) });
      const client = await RawClient.connect(server);
      client.socket.pause();
      client.send(get('/shrinks.bin', ...fields));
      await until(() => site.openFiles() > 0);
      // More than a handshake: its head is out, and says how long it was.
      await until(() => server.stats().bytes.sent > 64 * 1024);
      truncateSync(path, 1024);
      client.socket.resume();
      await client.closed();
      expect(client.received).toBeLessThan(64 * 1024 * 1024);
    }
  });

  test('a file that cannot be opened for want of descriptors is an error of ours, 500, and not taken for absent', async () => {
    setLogger(null);
    const errors: unknown[] = [];
    const server = await start({
      handler: serveStatic(site.root),
      onError: (error) => void errors.push((error as NodeJS.ErrnoException).code),
    });
    const client = await RawClient.connect(server);
    jest
      .spyOn(fs, 'open')
      .mockImplementation(((_path: string, _flags: number, done: (error: Error) => void) =>
        done(Object.assign(new Error('too many open files'), { code: 'EMFILE' }))) as never);
    try {
      expect((await client.send(get('/a.txt')).response()).status).toBe(500);
    } finally {
      jest.restoreAllMocks();
    }
    expect(errors).toEqual(['EMFILE']);
    expect((await client.send(get('/a.txt')).response()).body.toString()).toBe('plain');
  });

  test('an HTTP/1.0 client gets the file and the end of the connection', async () => {
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    const response = await client.send('GET /large.bin HTTP/1.0\r\n\r\n').response();
    expect(response.body.equals(LARGE)).toBe(true);
    await client.closed();
  });

  test('a file that grows while it is sent is sent as long as it was', async () => {
    site.write('grows.bin', Buffer.alloc(8_000_000, 'a'));
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    client.send(get('/grows.bin'));
    const head = await client.until('\r\n\r\n');
    appendFileSync(join(site.root, 'grows.bin'), 'b'.repeat(1000));
    expect(head).toContain('8000000');
    expect((await client.exactly(8_000_000)).includes('b')).toBe(false);
    expect((await client.send(get('/a.txt')).response()).body.toString()).toBe('plain');
  });
});
