// Each option of the agents for Node's HTTP clients does something: those of Node's pool and place, and of its TLS.
import type { RequestListener } from 'node:http';
import type { ServerOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';

import type { HttpsAgentOptions } from '../../ts/compat/agent.js';
import { HttpAgent, HttpsAgent } from '../../ts/compat/agent.js';
import { until } from '../support/condition.js';
import { agentsEndWithTheirTest, ask, failure, kept, nodeServer } from '../support/node-agents.js';
import { Authority } from '../support/pki.js';
import { endsWithItsTest } from '../support/test-server.js';

agentsEndWithTheirTest();
endsWithItsTest();

/** The client's port as the server saw it: one connection has one. */
const port: RequestListener = (req, res) => void res.end(String(req.socket.remotePort));

describe('the pool of Node', () => {
  /** A server that answers when it is told to. */
  async function slow(): Promise<{ url: string; answers: (() => void)[] }> {
    const answers: (() => void)[] = [];
    const { url } = await nodeServer((req, res) => void answers.push(() => port(req, res)));
    return { url, answers };
  }

  const free = (agent: HttpAgent): number => Object.values(agent.freeSockets).flat().length;

  test('maxTotalSockets holds over all origins', async () => {
    const [one, other] = [await slow(), await slow()];
    const agent = kept(new HttpAgent({ maxTotalSockets: 3 }));
    const asked = [one, one, other, other].map(({ url }) => ask(url, { agent }));
    const waiting = (): number => one.answers.length + other.answers.length;
    await until(() => waiting() === 3, 'as many are asked as may be');
    expect(Object.values(agent.sockets).flat()).toHaveLength(3);
    // Node looks first for what waits for the same origin.
    other.answers.shift()?.();
    await until(() => waiting() === 3, 'the fourth has its turn');
    for (const answer of [...one.answers, ...other.answers]) answer();
    await Promise.all(asked);
  });

  test.each([
    [1, 1],
    [2, 2],
    [undefined, 3],
  ])('maxFreeSockets %p keeps %d of three', async (maxFreeSockets, left) => {
    const { url, answers } = await slow();
    const agent = kept(new HttpAgent({ keepAlive: true, maxFreeSockets }));
    const asked = [1, 2, 3].map(() => ask(url, { agent }));
    await until(() => answers.length === 3);
    for (const answer of answers) answer();
    await Promise.all(asked);
    await until(() => Object.keys(agent.sockets).length === 0 && free(agent) === left, 'as many are free as may be');
  });

  test.each([
    ['fifo', 0],
    ['lifo', 1],
    [undefined, 1],
  ] as const)('scheduling %p takes the free connection at place %d', async (scheduling, place) => {
    const { url, answers } = await slow();
    const agent = kept(new HttpAgent({ keepAlive: true, scheduling }));
    const freed: string[] = [];
    const asked = [1, 2].map(() => ask(url, { agent }).then((answer) => freed.push(answer)));
    await until(() => answers.length === 2);
    for (const count of [1, 2]) {
      answers.shift()?.();
      await until(() => free(agent) === count && freed.length === count);
    }
    await Promise.all(asked);
    const next = ask(url, { agent });
    await until(() => answers.length === 1);
    answers[0]();
    expect(await next).toBe(freed[place]);
  });
});

describe('the place of each request', () => {
  test('is host and port of the agent, whatever the URL says', async () => {
    const { port: number } = await nodeServer((req, res) => void res.end(req.headers.host));
    const agent = kept(new HttpAgent({ host: '127.0.0.1', port: number }));
    expect(await ask('http://nobody.invalid:1/', { agent })).toBe('nobody.invalid:1');
  });

  test('is the Unix socket of the agent, and no proxy is asked', async () => {
    const socketPath = join(tmpdir(), `millrace-agent-options-${process.pid}`);
    await nodeServer((_req, res) => void res.end('by the socket'), null, socketPath);
    // Node takes it of an agent, and its types do not say so.
    const options = { socketPath, proxy: 'socks5h://127.0.0.1:1' };
    const agent = kept(new HttpAgent(options));
    expect(await ask('http://nobody.invalid/', { agent })).toBe('by the socket');
  });
});

describe('TLS', () => {
  let authority: Authority;
  let secure: ServerOptions;

  beforeAll(async () => {
    authority = await Authority.root();
    const { cert, key } = await authority.issue();
    secure = { cert, key };
  });

  const agentOf = (options: HttpsAgentOptions): HttpsAgent => kept(new HttpsAgent({ ca: authority.cert, ...options }));
  /** What the server knows of the session. */
  const session = (of: (socket: TLSSocket) => unknown): RequestListener => {
    return (req, res) => void res.end(String(of(req.socket as TLSSocket)));
  };

  test('cert, key and passphrase show who we are', async () => {
    const { cert, key } = await authority.issue({ commonName: 'ann', purpose: 'client' });
    const { createPrivateKey } = await import('node:crypto');
    const passphrase = 'open it';
    const encrypted = createPrivateKey(key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
      .toString();
    const asking = { ...secure, ca: authority.cert, requestCert: true, rejectUnauthorized: false };
    const { url } = await nodeServer(
      session((socket) => `${socket.authorized} ${String(socket.getPeerCertificate().subject?.CN)}`),
      asking,
    );
    expect(await ask(url, { agent: agentOf({}) })).toBe('false undefined');
    expect(await ask(url, { agent: agentOf({ cert, key }) })).toBe('true ann');
    expect(await ask(url, { agent: agentOf({ cert, key: encrypted, passphrase }) })).toBe('true ann');
    for (const options of [{ cert }, { cert, key: encrypted }]) {
      expect(await failure(url, { agent: agentOf(options) })).toMatchObject({
        code: expect.stringMatching(/^MILLRACE_/) as string,
      });
    }
  });

  test('crl refuses a server that was revoked', async () => {
    const revoked = await authority.issue();
    const { url } = await nodeServer(port, { cert: revoked.cert, key: revoked.key });
    const list = (of: (typeof revoked)[]): Promise<string> => authority.crl(of);
    expect(await ask(url, { agent: agentOf({ crl: await list([]) }) })).toMatch(/^\d+$/);
    expect(await failure(url, { agent: agentOf({ crl: await list([revoked]) }) })).toMatchObject({ phase: 'tls' });
  });

  test('servername is the name that is asked for and that a certificate must have', async () => {
    const { cert, key } = await authority.issue({ names: ['other.test'] });
    const { url } = await nodeServer(
      session(({ servername }) => servername),
      { cert, key },
    );
    expect(await ask(url, { agent: agentOf({ servername: 'other.test' }) })).toBe('other.test');
    expect(await failure(url, { agent: agentOf({}) })).toMatchObject({ phase: 'tls' });
  });

  test('ciphers, minVersion and maxVersion are what is spoken', async () => {
    const { url } = await nodeServer(
      session((socket) => `${socket.getProtocol()} ${socket.getCipher().standardName}`),
      secure,
    );
    const says = (options: HttpsAgentOptions): Promise<string> => ask(url, { agent: agentOf(options) });
    expect(await says({})).toMatch(/^TLSv1\.3 /);
    expect(await says({ maxVersion: 'TLSv1.2' })).toMatch(/^TLSv1\.2 /);
    for (const name of ['TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256']) {
      expect(await says({ ciphers: name })).toBe(`TLSv1.3 ${name}`);
    }
    const old = await nodeServer(port, { ...secure, maxVersion: 'TLSv1.2' });
    expect(await ask(old.url, { agent: agentOf({}) })).toMatch(/^\d+$/);
    expect(await failure(old.url, { agent: agentOf({ minVersion: 'TLSv1.3' }) })).toMatchObject({ phase: 'tls' });
  });

  test.each([
    [0, 'false'],
    [1, 'true'],
    [undefined, 'true'],
  ])('maxCachedSessions %p: the second session is resumed: %s', async (maxCachedSessions, resumed) => {
    const { url } = await nodeServer(
      session((socket) => socket.isSessionReused()),
      secure,
    );
    const agent = agentOf({ maxCachedSessions });
    expect([await ask(url, { agent }), await ask(url, { agent })]).toEqual(['false', resumed]);
  });
});
