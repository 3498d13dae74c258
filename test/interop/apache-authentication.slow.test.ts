import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as nodeRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client, HeaderView } from '../../ts/index.js';
import type { AuthRequest } from '../../ts/client/auth/auth.js';
import { Authenticator } from '../../ts/client/auth/authenticator.js';
import { requireTool } from '../support/debian.js';
import { freeTcpPort } from '../support/free-port.js';
import { testWith } from '../support/where.js';

const MODULES = '/usr/lib/apache2/modules';
const USER = { username: 'J\u00e4n "the" Doe', password: 'p\u00e4ss, "word"\\' };
// Without quotes and backslashes: httpd compares what it has escaped with what it has not.
const REALM = 'the r\u00e9alm, of httpd';
const program = requireTool('apache2', 'apache2-bin');

let folder: string;
let port: number;
let apache: ChildProcess;

function configuration(): string {
  const load = (name: string): string => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`;
  const names = ['mpm_event', 'authn_core', 'authn_file', 'authz_core', 'authz_user', 'auth_basic', 'auth_digest'];
  const digest = (path: string, more: string): string => `<Location "${path}">
  AuthType Digest
  AuthName "${REALM}"
  AuthDigestProvider file
  AuthUserFile "${folder}/digest"
  Require valid-user
  ${more}
</Location>`;
  return `ServerRoot "${folder}"
Listen 127.0.0.1:${port}
ServerName localhost
PidFile "${folder}/pid"
ErrorLog "${folder}/log"
DocumentRoot "${folder}/files"
${names.map(load).join('\n')}
User nobody
Group nogroup
StartServers 1
${digest('/digest', '')}
${digest('/short', 'AuthDigestNonceLifetime 1')}
<Location "/basic">
  AuthType Basic
  AuthName "basic"
  AuthBasicProvider file
  AuthUserFile "${folder}/basic"
  Require valid-user
</Location>
`;
}

/** Resolves when a connection is taken; rejects with its log when httpd ends before. */
async function listening(): Promise<void> {
  for (;;) {
    if (apache.exitCode !== null) {
      const log = join(folder, 'log');
      throw new Error(`apache2 ended: ${existsSync(log) ? readFileSync(log, 'utf8') : 'it wrote no log'}`);
    }
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  if (program === undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'millrace-apache-'));
  for (const name of ['digest', 'short', 'basic']) {
    mkdirSync(join(folder, 'files', name), { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, 'files', name, 'page'), `the page of ${name}`);
  }
  // httpd reads what the client sends as bytes, and compares them with those of its file.
  const { username, password } = USER;
  const secret = createHash('md5').update(`${username}:${REALM}:${password}`).digest('hex');
  writeFileSync(join(folder, 'digest'), `${username}:${REALM}:${secret}\n`);
  const sha1 = createHash('sha1').update(password).digest('base64');
  writeFileSync(join(folder, 'basic'), `${username}:{SHA}${sha1}\n`);
  chmodSync(folder, 0o755);
  port = await freeTcpPort();
  writeFileSync(join(folder, 'httpd.conf'), configuration());
  apache = spawn(program, ['-f', join(folder, 'httpd.conf'), '-DFOREGROUND'], { stdio: 'ignore' });
  await listening();
}, 60_000);

afterAll(async () => {
  if (program === undefined) return;
  if (apache.exitCode === null) {
    apache.kill('SIGTERM');
    await once(apache, 'exit');
  }
  rmSync(folder, { recursive: true });
});

interface Answer {
  status: number;
  fields: HeaderView;
  text: string;
}

function send(request: AuthRequest, authorization: string | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization };
    const path = request.target;
    const sent = nodeRequest({ host: '127.0.0.1', port, path, method: request.method, headers, agent: false });
    sent.once('error', reject).once('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => {
        const fields = new HeaderView(answer.rawHeaders.map((part) => `${part}\0`).join(''));
        resolve({ status: answer.statusCode ?? 0, fields, text });
      });
    });
    sent.end();
  });
}

/** As the client does it: the statuses that came, and the last answer. */
async function exchange(
  auth: Authenticator,
  target: string,
  method = 'GET',
): Promise<{ tries: number[]; last: Answer }> {
  const request: AuthRequest = { method, target, url: new URL(target, 'http://localhost'), body: null };
  const tries: number[] = [];
  let value = (await auth.header(request)) ?? null;
  for (;;) {
    const last = await send(request, value ?? undefined);
    tries.push(last.status);
    if (last.status !== 401) auth.accepted(request, last.fields);
    value = last.status === 401 ? await auth.challenge(request, 401, last.fields, tries.length) : null;
    if (value === null) return { tries, last };
  }
}

const withApache = testWith(program);

withApache('Digest: challenged once, then signed unasked, with quotes and umlauts in name and password', async () => {
  const auth = new Authenticator({ type: 'digest', ...USER });
  const first = await exchange(auth, '/digest/page');
  expect([first.tries, first.last.text]).toEqual([[401, 200], 'the page of digest']);
  // httpd proves that it knows the password: `accepted` has verified it.
  expect(first.last.fields.get('authentication-info')).toMatch(/rspauth="[0-9a-f]{32}"/);
  for (const target of ['/digest/page?a=1&b="2"', '/digest/page', '/digest/none']) {
    const { tries } = await exchange(auth, target);
    expect(tries).toEqual([target.endsWith('none') ? 404 : 200]);
  }
  expect((await exchange(auth, '/digest/page', 'HEAD')).tries).toEqual([200]);
});

withApache('Digest: the next nonce is taken from each answer, and a stale one is replaced unseen', async () => {
  const auth = new Authenticator({ type: 'any', ...USER });
  expect((await exchange(auth, '/short/page')).tries).toEqual([401, 200]);
  const next = await exchange(auth, '/short/page');
  expect(next.tries).toEqual([200]);
  // httpd names one in each answer when the one in use is about to end.
  expect(next.last.fields.get('authentication-info')).toMatch(/nextnonce="[^"]+"/);
  expect((await exchange(auth, '/short/page')).tries).toEqual([200]);
  // A nonce of httpd lasts for whole seconds, here one: its age alone makes it stale.
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  const { tries, last } = await exchange(auth, '/short/page');
  expect([tries, last.text]).toEqual([[401, 200], 'the page of short']);
});

withApache('Digest: a wrong password is sent once, and the 401 is the caller’s', async () => {
  const auth = new Authenticator({ type: 'digest', username: USER.username, password: 'wrong' });
  expect((await exchange(auth, '/digest/page')).tries).toEqual([401, 401]);
});

withApache('Basic: sent unasked in UTF-8, or by `any` once it was asked for; a wrong one is sent once', async () => {
  const basic = new Authenticator({ type: 'basic', ...USER });
  expect((await exchange(basic, '/basic/page')).tries).toEqual([200]);
  const any = new Authenticator({ type: 'any', ...USER });
  expect((await exchange(any, '/basic/page')).tries).toEqual([401, 200]);
  expect((await exchange(any, '/basic/page')).tries).toEqual([200]);
  const wrong = new Authenticator({ type: 'basic', username: USER.username, password: 'wrong' });
  expect((await exchange(wrong, '/basic/page')).tries).toEqual([401]);
  const never = new Authenticator({ type: 'digest', ...USER });
  expect((await exchange(never, '/basic/page')).tries).toEqual([401]);
});

describe('through a client', () => {
  /** What a client was answered, and with how many exchanges. */
  const asks = async (client: Client, path: string): Promise<[number, string, number]> => {
    const { created, reused } = client.stats();
    const response = await client.get(`http://127.0.0.1:${port}${path}`);
    const text = await response.text();
    const now = client.stats();
    return [response.status, response.ok ? text : '', now.created + now.reused - created - reused];
  };

  withApache('Digest: two exchanges for the first request, one for each that follows', async () => {
    await using client = new Client({ auth: { type: 'digest', ...USER } });
    expect(await asks(client, '/digest/page')).toEqual([200, 'the page of digest', 2]);
    for (let nc = 2; nc < 6; nc++)
      expect(await asks(client, '/digest/page?a=1')).toEqual([200, 'the page of digest', 1]);
    expect(await asks(client, '/digest/none')).toEqual([404, '', 1]);
  });

  withApache('Digest: many at once share the nonce, each with a count of its own', async () => {
    await using client = new Client({ auth: { type: 'digest', ...USER } });
    await asks(client, '/digest/page');
    const calls = Array.from({ length: 32 }, async () => {
      const response = await client.get(`http://127.0.0.1:${port}/digest/page`);
      return [response.status, await response.text()];
    });
    for (const answer of await Promise.all(calls)) expect(answer).toEqual([200, 'the page of digest']);
  });

  withApache('Digest: a wrong password is refused after two exchanges', async () => {
    await using client = new Client({ auth: { type: 'digest', username: USER.username, password: 'wrong' } });
    expect(await asks(client, '/digest/page')).toEqual([401, '', 2]);
  });

  withApache('Basic: unasked, by `any` once it was asked for, and not by `digest`', async () => {
    await using basic = new Client({ auth: { type: 'basic', ...USER } });
    expect(await asks(basic, '/basic/page')).toEqual([200, 'the page of basic', 1]);
    await using any = new Client({ auth: { type: 'any', ...USER } });
    expect(await asks(any, '/basic/page')).toEqual([200, 'the page of basic', 2]);
    expect(await asks(any, '/basic/page')).toEqual([200, 'the page of basic', 1]);
    await using never = new Client({ auth: { type: 'digest', ...USER } });
    expect(await asks(never, '/basic/page')).toEqual([401, '', 1]);
  });
});
