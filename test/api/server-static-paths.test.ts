// Which file a target names, by which method, and what type it has.
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { serveStatic } from '../../ts/index.js';
import { RawClient } from '../support/raw-client.js';
import { ask, field, servesASite, site } from '../support/static-site.js';
import { endsWithItsTest, get, request, start } from '../support/test-server.js';

endsWithItsTest();
servesASite();

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
