// Requests that depend on what the client has already.
import { parseHttpDate } from '../../ts/message/http-date.js';
import type { RawResponse } from '../support/raw-client.js';
import { MODIFIED, ask, field, servesASite, site } from '../support/static-site.js';
import { endsWithItsTest, get, request } from '../support/test-server.js';

endsWithItsTest();
servesASite();

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
