// What a client does beyond one plain exchange: streams, upgrades, 100 Continue, tries again, circuits.
import { Writable } from 'node:stream';

import { Client, MillraceError, RetryBudget } from '../../ts/index.js';
import { turns, until } from '../support/condition.js';
import type { ScriptedServer } from '../support/scripted-server.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';
import { whatIsHeld } from '../support/what-is-held.js';

const answer = (status: number, body = 'ok', ...fields: string[]): string =>
  `HTTP/1.1 ${status} Because\r\n${fields.map((field) => `${field}\r\n`).join('')}Content-Length: ${body.length}\r\n\r\n${body}`;

let server: ScriptedServer;
let client: Client;
let gone: () => Promise<void>;

beforeEach(() => {
  gone = whatIsHeld();
});

afterEach(async () => {
  client.destroy();
  await server.end();
  await gone();
});

describe('upgrade', () => {
  test('a 101 gives the socket and what came behind the head', async () => {
    let head = '';
    server = await scriptedServer((socket) => {
      socket.once('data', (bytes) => {
        head = bytes.toString('latin1');
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst');
        socket.on('data', (more) => socket.write(more));
      });
    });
    client = new Client();
    const { socket, head: rest, response } = await client.upgrade(server.url, { protocol: 'echo' });
    expect(response.status).toBe(101);
    expect(response.headers.get('upgrade')).toBe('echo');
    expect(head).toMatch(/\r\nConnection: upgrade\r\nUpgrade: echo\r\n/);
    let seen = Buffer.from(rest).toString();
    socket.write('second');
    for await (const chunk of socket) {
      seen += Buffer.from(chunk).toString();
      if (seen.length >= 11) break;
    }
    expect(seen).toBe('firstsecond');
    expect(client.stats()).toMatchObject({ connected: 0, running: 0 });
    socket.destroy();
  });

  test('another answer is a refusal that has the response with it', async () => {
    server = await scriptedServer((socket) => onRequests(socket, () => socket.write(answer(403, 'no'))));
    client = new Client();
    const error = (await client
      .upgrade(server.url, { protocol: 'echo' })
      .catch((reason: unknown) => reason)) as MillraceError & { response: { status: number; text(): Promise<string> } };
    expect(error).toMatchObject({ code: 'MILLRACE_UPGRADE_REFUSED', response: { status: 403 } });
    expect(await error.response.text()).toBe('no');
    expect(client.stats()).toMatchObject({ connected: 1, free: 1 });
  });

  test('a 101 that nobody asked for is an error', async () => {
    const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';
    server = await scriptedServer((socket) => onRequests(socket, () => socket.write(head)));
    client = new Client();
    await expect(client.request(server.url)).rejects.toBeInstanceOf(MillraceError);
    expect(client.stats().connected).toBe(0);
  });
});

describe('stream', () => {
  const SIZE = 4 << 20;

  test('the sink is chosen by the head, gets the whole body, and its pace is the server’s', async () => {
    let written = 0;
    server = await scriptedServer((socket) => {
      onRequests(socket, () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE * 8}\r\n\r\n`);
        const more = (): void => {
          while (written < SIZE * 8) {
            written += 65_536;
            if (!socket.write(Buffer.alloc(65_536, 'x'))) return void socket.once('drain', more);
          }
        };
        more();
      });
    });
    client = new Client();
    let taken = 0;
    let goOn: (() => void) | undefined;
    let stopped = false;
    const sink = new Writable({
      highWaterMark: 65_536,
      write: (chunk: Buffer, _encoding, done) => {
        taken += chunk.byteLength;
        if (stopped) done();
        else goOn = done;
      },
    });
    const heads: number[] = [];
    const over = client.stream(server.url, {}, (head) => {
      heads.push(head.status);
      return sink;
    });
    await until(() => goOn !== undefined);
    let last = -1;
    // The server stands still once the buffers on the way are full.
    while (last !== written) {
      last = written;
      await turns(30);
    }
    expect(written).toBeLessThan(SIZE * 8);
    expect(taken).toBeLessThan(1 << 20);
    stopped = true;
    goOn?.();
    expect(await over).toMatchObject({ status: 200 });
    expect([heads, taken]).toEqual([[200], SIZE * 8]);
    expect(client.stats()).toMatchObject({ connected: 1, free: 1 });
  });

  const endless = (): Promise<ScriptedServer> =>
    scriptedServer((socket) => onRequests(socket, () => socket.write(`${answer(200, 'x').replace(': 1', ': 1000')}`)));

  test('an error of the sink ends the exchange', async () => {
    server = await endless();
    client = new Client();
    const mine = new Error('mine');
    const sink = new Writable({ write: (_chunk, _encoding, done) => done(mine) });
    await expect(client.stream(server.url, {}, () => sink)).rejects.toBe(mine);
    await until(() => server.open() === 0, 'the connection is closed');
    expect(client.stats()).toMatchObject({ connected: 0, running: 0 });
  });

  test('a function that throws instead of giving a sink ends it as well', async () => {
    server = await endless();
    client = new Client();
    const mine = new Error('mine');
    const fails = (): never => {
      throw mine;
    };
    await expect(client.stream(server.url, {}, fails)).rejects.toBe(mine);
    await until(() => server.open() === 0, 'the connection is closed');
    expect(client.stats()).toMatchObject({ connected: 0, running: 0 });
  });
});

describe('expectContinue', () => {
  test('the body goes once 100 Continue is here', async () => {
    const seen: string[] = [];
    server = await scriptedServer((socket) => {
      socket.on('data', (bytes) => {
        seen.push(bytes.toString('latin1'));
        if (seen.length === 1) setTimeout(() => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), 30);
        else socket.write(answer(200));
      });
    });
    client = new Client();
    const told: number[] = [];
    const response = await client.post(server.url, {
      body: 'the body',
      expectContinue: 60_000,
      onInformational: (status) => void told.push(status),
    });
    expect(await response.text()).toBe('ok');
    expect(seen[0]).toMatch(/\r\nExpect: 100-continue\r\n/);
    expect(seen[0]).toMatch(/\r\nContent-Length: 8\r\n/);
    expect(seen).toEqual([expect.stringMatching(/\r\n\r\n$/), 'the body']);
    expect(told).toEqual([100]);
  });

  test('a server that does not say it gets the body when the time is over', async () => {
    let seen = '';
    server = await scriptedServer((socket) => {
      socket.on('data', (bytes) => {
        seen += bytes.toString('latin1');
        if (seen.endsWith('the body')) socket.write(answer(200));
      });
    });
    client = new Client();
    const began = performance.now();
    expect(await (await client.post(server.url, { body: 'the body', expectContinue: 40 })).text()).toBe('ok');
    expect(performance.now() - began).toBeGreaterThanOrEqual(39);
  });

  test('a final answer instead: the body is not sent, and its connection serves nobody else', async () => {
    let seen = '';
    server = await scriptedServer((socket) => {
      socket.on('data', (bytes) => {
        seen += bytes.toString('latin1');
        if (seen.endsWith('\r\n\r\n')) socket.write(answer(413, 'too much'));
      });
    });
    client = new Client();
    const response = await client.post(server.url, { body: 'the body', expectContinue: 60_000 });
    expect([response.status, await response.text()]).toEqual([413, 'too much']);
    expect(seen).not.toContain('the body');
    await until(() => client.stats().connected === 0, 'the connection is closed');
  });
});

describe('retry', () => {
  const FAST = { minDelay: 1, maxDelay: 5_000, jitter: 'none' } as const;
  let requests: string[];
  /** Answers by this list, the last of it from then on. */
  const answering = (...answers: (string | null)[]): Promise<ScriptedServer> => {
    requests = [];
    return scriptedServer((socket) => {
      onRequests(socket, (head) => {
        const text = answers[Math.min(requests.length, answers.length - 1)];
        requests.push(head);
        if (text === null) socket.destroy();
        else socket.write(text);
      });
    });
  };

  test('an idempotent request is made again after a 503 and after a reset', async () => {
    server = await answering(answer(503, 'no'), null, answer(200));
    client = new Client({ retry: { ...FAST, attempts: 3 } });
    expect(await (await client.get(server.url)).text()).toBe('ok');
    expect(requests).toHaveLength(3);
  });

  test('a POST is not, unless it says that it is idempotent', async () => {
    server = await answering(answer(503, 'no'), answer(200));
    client = new Client({ retry: FAST });
    expect((await client.post(server.url)).status).toBe(503);
    expect(requests).toHaveLength(1);
    requests.length = 0;
    expect((await client.post(server.url, { idempotent: true })).status).toBe(200);
    expect(requests).toHaveLength(2);
  });

  test('a body that cannot be made again is not sent twice', async () => {
    server = await scriptedServer((socket) => {
      socket.once('data', () => socket.write(answer(503, 'no')));
    });
    client = new Client({ retry: FAST });
    async function* once(): AsyncGenerator<string> {
      yield await Promise.resolve('x');
    }
    const response = await client.put(server.url, { body: once() });
    expect(response.status).toBe(503);
    expect(server.accepted()).toBe(1);
    await response.text();
  });

  test('Retry-After is waited for, and a server that asks for more than maxDelay is not asked again', async () => {
    server = await answering(answer(503, 'no', 'Retry-After: 1'), answer(200));
    client = new Client();
    const began = performance.now();
    expect((await client.get(server.url, { retry: FAST })).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThanOrEqual(990);
    requests.length = 0;
    expect((await client.get(server.url, { retry: { ...FAST, maxDelay: 500 } })).status).toBe(503);
    expect(requests).toHaveLength(1);
  });

  test('the budget bounds what all calls together make again', async () => {
    server = await answering(answer(503, 'no'));
    client = new Client();
    const budget = new RetryBudget({ ratio: 0, reserve: 2 });
    for (let call = 0; call < 5; call++) {
      expect(await (await client.get(server.url, { retry: { ...FAST, attempts: 3, budget } })).text()).toBe('no');
    }
    expect(requests).toHaveLength(5 + 2);
  });
});

describe('breaker', () => {
  test('it opens after failures, refuses without asking the server, and closes by a probe', async () => {
    let status = 500;
    let asked = 0;
    server = await scriptedServer((socket) => {
      onRequests(socket, () => {
        asked++;
        socket.write(answer(status));
      });
    });
    client = new Client({ breaker: { failures: 3, openFor: 100, successes: 1 } });
    for (let call = 0; call < 3; call++) expect((await client.get(server.url)).status).toBe(500);
    await expect(client.get(server.url)).rejects.toMatchObject({ code: 'MILLRACE_CIRCUIT_OPEN' });
    expect(asked).toBe(3);
    await turns(120);
    // Half open: one probe, which fails and opens it again.
    expect((await client.get(server.url)).status).toBe(500);
    await expect(client.get(server.url)).rejects.toMatchObject({ code: 'MILLRACE_CIRCUIT_OPEN' });
    expect(asked).toBe(4);
    status = 200;
    await turns(120);
    for (let call = 0; call < 3; call++) expect((await client.get(server.url)).status).toBe(200);
    expect(asked).toBe(7);
  });
});
