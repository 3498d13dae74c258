// Ranges of a file.
import { ask, field, servesASite, site } from '../support/static-site.js';
import { endsWithItsTest, get, request } from '../support/test-server.js';

endsWithItsTest();
servesASite();

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
