// Our client against nginx: Basic credentials, which it checks, and what it does with connections.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { requireTool } from '../support/debian.js';
import { testWith } from '../support/where.js';

const USER = { username: 'J\u00e4n', password: 'p\u00e4ss: "word"\\' };
const SIZE = 3_000_000;
const program = requireTool('nginx');
const withNginx = testWith(program);

let folder: string;
let socketPath: string;
let nginx: ChildProcess;

/** On a Unix socket: nginx cannot ask the system for a free port. */
const configuration = (): string => `daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/tmp;
  proxy_temp_path ${folder}/tmp;
  fastcgi_temp_path ${folder}/tmp;
  uwsgi_temp_path ${folder}/tmp;
  scgi_temp_path ${folder}/tmp;
  keepalive_requests 3;
  gzip on;
  gzip_min_length 1;
  gzip_types *;
  server {
    listen unix:${socketPath};
    root ${folder}/files;
    location /basic/ {
      auth_basic "the realm";
      auth_basic_user_file ${folder}/users;
    }
    location /moved { return 302 /basic/page; }
  }
}
`;

beforeAll(async () => {
  if (program === undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'millrace-nginx-'));
  chmodSync(folder, 0o755);
  socketPath = join(folder, 'socket');
  mkdirSync(join(folder, 'files/basic'), { recursive: true });
  writeFileSync(join(folder, 'files/basic/page'), 'the page');
  writeFileSync(join(folder, 'files/large'), Buffer.alloc(SIZE, 'x'));
  const sha1 = createHash('sha1').update(USER.password).digest('base64');
  writeFileSync(join(folder, 'users'), `${USER.username}:{SHA}${sha1}\n`);
  writeFileSync(join(folder, 'conf'), configuration());
  nginx = spawn(program, ['-c', join(folder, 'conf'), '-e', join(folder, 'log')], { stdio: 'inherit' });
  let isOpen = false;
  const tries = setInterval(() => {
    const socket = connect(socketPath);
    socket.once('connect', () => (isOpen = true)).once('error', () => undefined);
    socket.once('connect', () => socket.destroy());
  }, 10);
  await until(() => isOpen || nginx.exitCode !== null, 'nginx listens');
  clearInterval(tries);
  expect(nginx.exitCode).toBeNull();
}, 60_000);

afterAll(async () => {
  if (program === undefined) return;
  if (nginx.exitCode === null) {
    nginx.kill('SIGTERM');
    await once(nginx, 'exit');
  }
  rmSync(folder, { recursive: true });
});

const ask = async (client: Client, path: string): Promise<[number, string]> => {
  const response = await client.get(`http://localhost${path}`);
  const text = await response.text();
  return [response.status, response.ok ? text : ''];
};

withNginx('Basic: unasked, once it was asked for, from the URL, after a redirect; a wrong one is refused', async () => {
  await using basic = new Client({ socketPath, auth: { type: 'basic', ...USER } });
  expect(await ask(basic, '/basic/page')).toEqual([200, 'the page']);
  expect(await ask(basic, '/moved')).toEqual([200, 'the page']);
  await using any = new Client({ socketPath, auth: { type: 'any', ...USER } });
  for (let round = 0; round < 2; round++) expect(await ask(any, '/basic/page')).toEqual([200, 'the page']);
  await using none = new Client({ socketPath });
  expect(await ask(none, '/basic/page')).toEqual([401, '']);
  const url = new URL('http://localhost/basic/page');
  Object.assign(url, USER);
  expect(await (await none.get(url)).text()).toBe('the page');
  await using wrong = new Client({ socketPath, auth: { type: 'any', username: USER.username, password: 'wrong' } });
  expect(await ask(wrong, '/basic/page')).toEqual([401, '']);
});

withNginx('its end of a connection after three requests fails none of fifty, and gzip is undone', async () => {
  await using client = new Client({ socketPath });
  for (let round = 0; round < 10; round++) {
    const texts = await Promise.all(
      Array.from({ length: 5 }, async () => (await client.get('http://localhost/large')).text()),
    );
    for (const text of texts) expect(text).toHaveLength(SIZE);
  }
  expect(client.stats().created).toBeGreaterThanOrEqual(50 / 3);
  const { headers } = await client.get('http://localhost/large', { decompress: true });
  expect(headers.get('content-encoding')).toBe('gzip');
});
