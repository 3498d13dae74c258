import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { getCommand } from '../../ts/cli/get.js';
import { inColour } from '../../ts/cli/json-colour.js';
import { sizeOf } from '../../ts/cli/progress.js';
import type { Server } from '../../ts/index.js';
import { serve } from '../../ts/index.js';

let server: Server;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-get-'));
  server = await serve({
    host: '127.0.0.1',
    port: 0,
    handler: async (req, res) => {
      const range = /^bytes=(\d+)-$/.exec(req.headers.get('range') ?? '');
      if (req.path === '/missing') res.statusCode = 404;
      if (range !== null) {
        const text = '0123456789'.slice(Number(range[1]));
        res.statusCode = text === '' ? 416 : 206;
        return void res.end(text);
      }
      if (req.method === 'POST') return void res.end(`${req.headers.get('x-own')} ${await req.text()}`);
      return void res.end('0123456789');
    },
  });
});

afterEach(() => {
  process.exitCode = 0;
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

async function output(args: string[]): Promise<string> {
  let text = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += Buffer.from(chunk as Uint8Array).toString();
    return true;
  });
  try {
    await getCommand(args);
  } finally {
    write.mockRestore();
  }
  return text;
}

test('writes the body, with the head before it where that is asked for', async () => {
  expect(await output([server.url])).toBe('0123456789');
  expect(await output([server.url, '-i'])).toMatch(/^HTTP\/1\.1 200 OK\n[^]*\n\n0123456789$/);
  expect(await output([server.url, '-I'])).toMatch(/^HTTP\/1\.1 200 OK\n[^]*\n\n$/);
});

test('sends a method, fields and a body', async () => {
  expect(await output([server.url, '-d', 'text', '-H', 'X-Own: 1'])).toBe('1 text');
});

test('saves to a file, and goes on with one that is there in part', async () => {
  const file = join(folder, 'saved');
  await output([server.url, '-o', file]);
  expect(readFileSync(file, 'utf8')).toBe('0123456789');
  writeFileSync(file, '0123');
  await output([server.url, '-C', '-o', file]);
  expect(readFileSync(file, 'utf8')).toBe('0123456789');
  await output([server.url, '-C', '-o', file]);
  expect(readFileSync(file, 'utf8')).toBe('0123456789');
});

test('a status of 400 or more is the exit status 1, what is wrong with the call a complaint', async () => {
  await output([new URL('/missing', server.url).href]);
  expect(process.exitCode).toBe(1);
  await expect(getCommand([])).rejects.toMatchObject({ status: 2 });
  await expect(getCommand([server.url, '-H', 'nonsense'])).rejects.toMatchObject({ status: 2 });
  await expect(getCommand(['http://127.0.0.1:1'])).rejects.toMatchObject({ status: 1 });
});

test('a dead proxy fails the request', async () => {
  await expect(getCommand([server.url, '-x', 'http://127.0.0.1:1'])).rejects.toMatchObject({ status: 1 });
});

test('JSON is coloured, and what a terminal would obey is not let through', () => {
  expect(inColour('{"a":[1,"b",null]}')).toBe(
    '{\n  \x1b[34m"a"\x1b[0m: [\n    \x1b[36m1\x1b[0m,\n    \x1b[32m"b"\x1b[0m,\n    \x1b[35mnull\x1b[0m\n  ]\n}',
  );
  expect(inColour('not json \x1b[2J')).toBe('not json \ufffd[2J');
  expect([sizeOf(5), sizeOf(2_048), sizeOf(5 << 20)]).toEqual(['5 B', '2.0 KiB', '5.0 MiB']);
});
