// HTTP clients that others wrote, through our agents and our proxy.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener, Server as NodeServer } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ProxyServer } from '../../ts/index.js';
import { createProxyServer } from '../../ts/index.js';
import { buildCommandLine } from '../support/command-line.js';
import { Authority } from '../support/pki.js';
import { runProgram } from '../support/program.js';
import { destroyed } from '../support/test-server.js';

const AUTH = { username: 'alice', password: 'open sesame' };
const SIZE = String(64 * 65_536);
let folder: string;
let proxy: ProxyServer;
let servers: NodeServer[];
let results: Record<string, unknown>;

/** Says how much came, and answers nothing at /never. */
const count: RequestListener = (req, res) => {
  let size = 0;
  req.on('data', (chunk: Buffer) => (size += chunk.length));
  req.on('end', () => {
    if (req.url !== '/never') res.end(req.method === 'PUT' ? String(size) : 'hello');
  });
};

beforeAll(async () => {
  buildCommandLine();
  folder = mkdtempSync(join(tmpdir(), 'millrace-http-clients-'));
  const root = await Authority.root();
  const { cert, key } = await root.issue();
  writeFileSync(join(folder, 'ca.pem'), root.cert);
  servers = [createServer(count), createSecureServer({ cert, key }, count)];
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
  proxy = await createProxyServer({ auth: AUTH });
  const [plain, tls] = servers.map((server) => `://localhost:${(server.address() as AddressInfo).port}/`);
  const given = { proxy: proxy.port, plain: `http${plain}`, tls: `https${tls}`, ca: join(folder, 'ca.pem') };
  const args = [JSON.stringify({ ...given, auth: [AUTH.username, AUTH.password] })];
  // Node's own agents are not to be asked for a proxy.
  const env = { HTTP_PROXY: '', HTTPS_PROXY: '', ALL_PROXY: '', http_proxy: '', https_proxy: '' };
  const outcome = await runProgram('http-clients.mjs', args, { folder: 'interop', timeout: 60_000, env });
  if (outcome.code !== 0) throw new Error(`it ended with ${outcome.code}: ${outcome.stderr}`);
  results = JSON.parse(outcome.stdout) as Record<string, unknown>;
}, 80_000);

afterAll(async () => {
  await destroyed(proxy);
  for (const server of servers) server.close().closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

describe.each([
  ['socks5h', 'MILLRACE_SOCKS_AUTHENTICATION_REFUSED'],
  ['http', 'MILLRACE_PROXY_AUTHENTICATION_REQUIRED'],
])('through millrace/agent by %s', (kind, refusal) => {
  test('axios', () => {
    expect(results).toMatchObject({
      [`axios, ${kind}, http`]: 'hello',
      [`axios, ${kind}, https`]: 'hello',
      [`axios, ${kind}, upload`]: SIZE,
      [`axios, ${kind}, wrong password`]: { code: refusal, phase: 'proxy' },
      [`axios, ${kind}, abort`]: { name: 'CanceledError' },
    });
  });

  test('got', () => {
    expect(results).toMatchObject({
      [`got, ${kind}, http`]: 'hello',
      [`got, ${kind}, https`]: 'hello',
      [`got, ${kind}, upload`]: SIZE,
      [`got, ${kind}, wrong password`]: { code: refusal },
      [`got, ${kind}, timeout`]: { name: 'TimeoutError' },
    });
  });

  test("the transport of AWS's SDKs streams an upload", () => {
    expect(results).toMatchObject({ [`@smithy, ${kind}, http`]: SIZE, [`@smithy, ${kind}, https`]: SIZE });
  });
});

test("undici's own agents and its fetch through our proxy", () => {
  expect(results).toMatchObject({
    'undici, ProxyAgent': 'hello',
    'undici, fetch': 'hello',
    'undici, Socks5ProxyAgent': 'hello',
  });
});
