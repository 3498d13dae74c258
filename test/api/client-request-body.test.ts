import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import type { BodyInput } from '../../ts/index.js';
import { RequestBody } from '../../ts/client/request-body.js';
import { until } from '../support/condition.js';

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-body-'));
  path = join(folder, 'file');
  writeFileSync(path, 'a file of ours');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function read(body: RequestBody): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.open()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
async function* generated(...chunks: unknown[]): AsyncGenerator<string> {
  for (const chunk of chunks) yield await Promise.resolve(chunk as string);
}
const webStream = (...chunks: unknown[]): ReadableStream =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

test.each<[string, () => BodyInput | undefined, string, number, string | undefined]>([
  ['nothing', () => undefined, '', 0, undefined],
  ['null', () => null, '', 0, undefined],
  ['an empty string', () => '', '', 0, 'text/plain; charset=utf-8'],
  ['a string', () => 'caf\u00e9', 'caf\u00e9', 5, 'text/plain; charset=utf-8'],
  ['bytes', () => bytes('abc'), 'abc', 3, undefined],
  ['a part of a Buffer', () => Buffer.from('abcdef').subarray(2, 4), 'cd', 2, undefined],
  ['an ArrayBuffer', () => bytes('abc').slice().buffer, 'abc', 3, undefined],
  [
    'URLSearchParams',
    () => new URLSearchParams({ a: '1', b: 'x y' }),
    'a=1&b=x+y',
    9,
    'application/x-www-form-urlencoded; charset=utf-8',
  ],
  ['a Blob', () => new Blob(['ab', 'c'], { type: 'text/x' }), 'abc', 3, 'text/x'],
  ['a Blob without a type', () => new Blob(['abc']), 'abc', 3, undefined],
  ['a file', () => ({ file: path }), 'a file of ours', 14, undefined],
  ['a part of a file', () => ({ file: path, start: 2, end: 6 }), 'file', 4, undefined],
  ['more than the file has', () => ({ file: path, start: 9, end: 99 }), ' ours', 5, undefined],
])('%s has a length and can be sent again', async (_, make, text, length, type) => {
  const body = await RequestBody.of(make());
  expect([body.length, body.type, body.isReplayable]).toEqual([length, type, true]);
  expect(await read(body)).toBe(text);
  expect(await read(body)).toBe(text);
  body.close();
});

test('only nothing is none: an empty string is an empty body', () => {
  const noneOf = (input: BodyInput | undefined): boolean => (RequestBody.of(input) as RequestBody).isNone;
  expect([noneOf(undefined), noneOf(null), noneOf(''), noneOf(new Uint8Array(0))]).toEqual([true, true, false, false]);
});

test('what is in memory is there whole, and only a file takes a promise', async () => {
  const whole = (input: BodyInput): unknown => (RequestBody.of(input) as RequestBody).whole;
  const chunk = bytes('abc');
  expect(whole(chunk)).toBe(chunk);
  expect(whole('abc')).toBe('abc');
  expect(whole(new Blob(['abc']))).toBeUndefined();
  expect(whole(generated())).toBeUndefined();
  const file = RequestBody.of({ file: path });
  expect(file).toBeInstanceOf(Promise);
  (await file).close();
});

test.each<[string, () => BodyInput]>([
  ['a Readable', () => Readable.from([Buffer.from('ab'), 'c'])],
  ['a web stream', () => webStream(bytes('ab'), 'c')],
  ['an async iterable', () => generated('a', bytes('b'), new Uint8Array(bytes('c')).buffer)],
])('%s has no length and is sent once', async (_, make) => {
  const body = await RequestBody.of(make());
  expect([body.length, body.type, body.isReplayable]).toEqual([undefined, undefined, false]);
  expect(await read(body)).toBe('abc');
  expect(() => body.open()).toThrow(expect.objectContaining({ code: 'MILLRACE_HTTP_BODY_NOT_REPLAYABLE' }) as Error);
  body.close();
});

describe('a form', () => {
  const form = (): FormData => {
    const data = new FormData();
    data.append('plain', 'text');
    data.append('lines', 'a\nb\rc\r\nd');
    data.append('od"d\r\nname', '\u00fc');
    data.append('file', new File(['con', 'tent'], 'a "b"\n.txt', { type: 'text/x' }));
    data.append('blob', new Blob([bytes('raw')]));
    data.append('empty', new File([], 'none'));
    return data;
  };

  test('is multipart with its length known beforehand, the same each time', async () => {
    const body = await RequestBody.of(form());
    const boundary = /^multipart\/form-data; boundary=(----millrace-[-0-9a-f]{36})$/.exec(body.type ?? '')?.[1] ?? '';
    const text = await read(body);
    expect(body.isReplayable).toBe(true);
    expect(Buffer.byteLength(text)).toBe(body.length);
    expect(await read(body)).toBe(text);
    const file = (name: string, filename: string, type: string, content: string): string =>
      `Content-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n${content}`;
    const field = (name: string, value: string): string =>
      `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;
    expect(text.split(`--${boundary}`).map((part) => part.replace(/^\r\n|\r\n$/g, ''))).toEqual([
      '',
      field('plain', 'text'),
      field('lines', 'a\r\nb\r\nc\r\nd'),
      field('od%22d%0D%0Aname', '\u00fc'),
      file('file', 'a %22b%22%0A.txt', 'text/x', 'content'),
      file('blob', 'blob', 'application/octet-stream', 'raw'),
      file('empty', 'none', 'application/octet-stream', ''),
      '--',
    ]);
  });

  test('is read by another parser as it was', async () => {
    const body = await RequestBody.of(form());
    const parsed = await new Response(await read(body), { headers: { 'content-type': body.type ?? '' } }).formData();
    const shown = async (data: FormData): Promise<string[]> =>
      Promise.all(
        [...data].map(async ([name, value]) =>
          typeof value === 'string' ? `${name}=${value}` : `${name}=${value.name}:${await value.text()}`,
        ),
      );
    const given = (await shown(form())).map((line) => line.replace(/\r\n|\r|\n/g, '\n'));
    expect((await shown(parsed)).map((line) => line.replace(/\r\n|\r|\n/g, '\n'))).toEqual(given);
  });

  test('without entries is its end alone', async () => {
    const body = await RequestBody.of(new FormData());
    expect(await read(body)).toMatch(/^------millrace-[-0-9a-f]{36}--\r\n$/);
  });
});

describe('what it holds', () => {
  test('a file is opened once for all attempts, and closed once', async () => {
    const body = await RequestBody.of({ file: path });
    const first = body.open()[Symbol.asyncIterator]();
    await first.next();
    await first.return?.();
    expect(await read(body)).toBe('a file of ours');
    body.close();
    body.close();
    expect(() => body.open()).toThrow(expect.objectContaining({ code: 'MILLRACE_INVALID_STATE' }) as Error);
  });

  test("a FileHandle stays its owner's", async () => {
    const handle = await open(path);
    const body = await RequestBody.of({ file: handle });
    expect(await read(body)).toBe('a file of ours');
    body.close();
    expect((await handle.stat()).size).toBe(14);
    await handle.close();
  });

  test('a file that is not there rejects, and one that has become shorter is an error', async () => {
    await expect(RequestBody.of({ file: join(folder, 'none') })).rejects.toMatchObject({ code: 'ENOENT' });
    const shrinking = join(folder, 'shrinking');
    writeFileSync(shrinking, 'x'.repeat(100));
    const body = await RequestBody.of({ file: shrinking });
    truncateSync(shrinking, 40);
    await expect(read(body)).rejects.toMatchObject({ code: 'MILLRACE_FILE_TRUNCATED' });
    body.close();
  });

  test('a stream that was never opened, or left early, is ended by close', async () => {
    const never = Readable.from(['a']);
    (await RequestBody.of(never)).close();
    expect(never.destroyed).toBe(true);

    const early = new Readable({ read: () => early.push('x') });
    const body = await RequestBody.of(early);
    for await (const chunk of body.open()) {
      expect(String(chunk)).toBe('x');
      break;
    }
    body.close();
    expect(early.destroyed).toBe(true);

    let cancelled = 0;
    const web = (): ReadableStream =>
      new ReadableStream({ pull: (controller) => controller.enqueue(bytes('x')), cancel: () => void cancelled++ });
    (await RequestBody.of(web())).close();
    await until(() => cancelled === 1);
    const left = await RequestBody.of(web());
    for await (const chunk of left.open()) {
      expect(chunk).toEqual(bytes('x'));
      break;
    }
    left.close();
    await until(() => cancelled === 2);
  });

  test('an async iterable that is left early is told so', async () => {
    let ended = false;
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) yield await Promise.resolve('x');
      } finally {
        ended = true;
      }
    }
    for await (const chunk of (await RequestBody.of(endless())).open()) {
      expect(chunk).toBe('x');
      break;
    }
    expect(ended).toBe(true);
  });
});

describe('what cannot be sent', () => {
  test('a stream that is in use', async () => {
    const locked = webStream('x');
    locked.getReader();
    const destroyed = Readable.from(['x']);
    destroyed.destroy();
    const begun = Readable.from(['x']);
    for await (const chunk of begun) expect(chunk).toBe('x');
    for (const body of [locked, destroyed, begun]) {
      expect(() => RequestBody.of(body)).toThrow(expect.objectContaining({ code: 'MILLRACE_HTTP_BODY_USED' }) as Error);
    }
  });

  test.each([[7], [true], [Symbol('x')], [{}], [['x']], [() => 'x'], [new Date(0)], [new Map()]])('%p', (body) => {
    expect(() => RequestBody.of(body as never)).toThrow(
      expect.objectContaining({ code: 'MILLRACE_INVALID_ARGUMENT' }) as Error,
    );
  });

  test('chunks that are neither strings nor bytes', async () => {
    await expect(read(await RequestBody.of(generated('a', 7)))).rejects.toThrow(/strings or bytes, got 7/);
    await expect(read(await RequestBody.of(Readable.from([{ a: 1 }])))).rejects.toThrow(/got an object/);
  });

  test('a stream that fails: its error comes out', async () => {
    const failure = new Error('disk');
    const stream = new Readable({ read: () => stream.destroy(failure) });
    await expect(read(await RequestBody.of(stream))).rejects.toBe(failure);
  });
});
