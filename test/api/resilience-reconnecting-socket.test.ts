import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket as NodeSocket } from 'node:net';

import { MillraceError, reconnect, ReconnectingSocket } from '../../ts/index.js';
import type { Connection, ReconnectNotice, ReconnectOptions } from '../../ts/index.js';
import { turns, until } from '../support/condition.js';
import { reset } from '../support/reset.js';

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

/** A connection that the test plays the peer of. */
class Fake extends EventEmitter implements AsyncIterable<Uint8Array> {
  readonly written: string[] = [];
  destroyed = false;
  closed = false;
  private readonly _chunks: (Uint8Array | null | Error)[] = [];
  private _wake: () => void = () => undefined;

  /** The peer sends a text, ends (null) or resets (an Error). */
  peer(what: string | null | Error): void {
    this._chunks.push(typeof what === 'string' ? Buffer.from(what) : what);
    this._wake();
  }

  write(data: string | Uint8Array | readonly Uint8Array[]): boolean {
    this.written.push(Buffer.from(data as Uint8Array).toString());
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    this.peer(null);
    return Promise.resolve();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.peer(null);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        while (this._chunks.length === 0) await new Promise<void>((resolve) => (this._wake = resolve));
        const chunk = this._chunks[0];
        if (chunk instanceof Error) throw chunk;
        if (chunk === null) return { done: true, value: undefined };
        this._chunks.shift();
        return { done: false, value: chunk };
      },
    };
  }
}

interface Scene {
  socket: ReconnectingSocket;
  /** What happened, in order. */
  log: string[];
  /** The connections that were made. */
  made: Fake[];
  /** How many attempts fail from now on. */
  failing: number;
}

function scene(options: Partial<ReconnectOptions> = {}, failing = 0): Scene {
  const made: Fake[] = [];
  const log: string[] = [];
  const all: Scene = { made, log, failing, socket: undefined as never };
  all.socket = reconnect({
    jitter: 'none',
    stableAfter: 0,
    connect: () => {
      log.push('dial');
      if (all.failing-- > 0) return Promise.reject(refused);
      const fake = new Fake();
      made.push(fake);
      return Promise.resolve(fake as unknown as Connection);
    },
    ...options,
  });
  all.socket.on('connect', () => log.push('connect'));
  all.socket.on('disconnect', (error?: Error) => log.push(`disconnect ${error?.message ?? 'by its end'}`));
  all.socket.on('reconnecting', ({ attempt, delay }: ReconnectNotice) =>
    log.push(`again in ${delay} after ${attempt}`),
  );
  all.socket.on('close', (error?: Error) => log.push(`close ${(error as MillraceError)?.code ?? String(error)}`));
  return all;
}

describe('on a clock of the test', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
  const settle = async (): Promise<void> => {
    for (let tick = 0; tick < 30; tick++) await Promise.resolve();
  };
  const later = async (ms: number): Promise<void> => {
    await jest.advanceTimersByTimeAsync(ms);
    await settle();
  };

  test('it connects at once, and again after a wait when the connection ends, by an end or an error', async () => {
    const { socket, made, log } = scene();
    await socket.ready();
    expect(socket.state).toBe('open');
    made[0].peer(null);
    await settle();
    expect([socket.state, socket.socket]).toEqual(['waiting', null]);
    await later(100);
    made[1].peer(refused);
    await later(100);
    expect(log).toEqual([
      'dial',
      'connect',
      'disconnect by its end',
      'again in 100 after 0',
      'dial',
      'connect',
      'disconnect connect ECONNREFUSED',
      'again in 100 after 0',
      'dial',
      'connect',
    ]);
    expect([made[0].destroyed, made[1].destroyed, made[2].destroyed]).toEqual([true, true, false]);
    expect(socket.stats()).toEqual({ state: 'open', opened: 3, failures: 0, buffered: 0 });
    socket.destroy();
  });

  test('waits double up to maxDelay while it cannot be made, and begin anew after a connection that lasted', async () => {
    const all = scene({ maxDelay: 500 }, 5);
    await later(100 + 200 + 400 + 500 + 500);
    expect(all.log.filter((line) => line !== 'dial')).toEqual([
      'again in 100 after 1',
      'again in 200 after 2',
      'again in 400 after 3',
      'again in 500 after 4',
      'again in 500 after 5',
      'connect',
    ]);
    all.made[0].peer(null);
    await settle();
    expect(all.log.at(-1)).toBe('again in 100 after 0');
    all.socket.destroy();
  });

  test('waits begin with minDelay, and each exceeds the one before by the factor', async () => {
    const all = scene({ minDelay: 30, factor: 3, maxDelay: 250 }, 4);
    await later(30 + 90 + 250 + 250);
    expect(all.log.filter((line) => line.startsWith('again'))).toEqual([
      'again in 30 after 1',
      'again in 90 after 2',
      'again in 250 after 3',
      'again in 250 after 4',
    ]);
    all.socket.destroy();
  });

  test('a connection that does not last counts as one that failed', async () => {
    const { socket, made, log } = scene({ stableAfter: 1_000 });
    for (const delay of [100, 200, 400]) {
      await settle();
      made.at(-1)?.peer(null);
      await settle();
      expect(log.at(-1)).toMatch(`again in ${delay} `);
      await later(delay);
    }
    await later(1_000);
    made.at(-1)?.peer(null);
    await settle();
    expect(log.at(-1)).toBe('again in 100 after 0');
    socket.destroy();
  });

  test('after as many failures in a row as allowed it gives up, with the last one as the cause', async () => {
    const { socket, log } = scene({ attempts: 3 }, 9);
    const ready = socket.ready().catch((error: unknown) => error);
    await later(10_000);
    expect(log).toEqual([
      'dial',
      'again in 100 after 1',
      'dial',
      'again in 200 after 2',
      'dial',
      'close MILLRACE_RECONNECT_FAILED',
    ]);
    expect(await ready).toMatchObject({ code: 'MILLRACE_RECONNECT_FAILED', cause: refused });
    await expect(socket.ready()).rejects.toMatchObject({ code: 'MILLRACE_RECONNECT_FAILED' });
    expect(socket.write('x')).toBe(false);
  });

  test('one attempt is one attempt for each loss, too', async () => {
    const all = scene({ attempts: 1 });
    await settle();
    all.made[0].peer(null);
    await later(100);
    expect(all.socket.state).toBe('open');
    all.failing = 1;
    all.made[1].peer(null);
    await later(100);
    expect(all.log.at(-1)).toBe('close MILLRACE_RECONNECT_FAILED');
  });

  test('a mistake of the caller is not tried again', async () => {
    const { socket, log } = scene({ connect: () => Promise.reject(new MillraceError('MILLRACE_INVALID_ARGUMENT')) });
    await settle();
    expect([socket.state, log]).toEqual(['closed', ['close MILLRACE_INVALID_ARGUMENT']]);
  });

  test('the greeting speaks first, reads what it needs, and the rest goes to onData', async () => {
    const data: string[] = [];
    const { socket, made, log } = scene({
      maxBuffered: 100,
      onConnect: async ({ socket: fresh, read }) => {
        fresh.write('HELLO');
        log.push(`greeted by ${String(await read())}`);
      },
      onData: (chunk) => void data.push(String(chunk)),
    });
    expect(socket.write('kept ')).toBe(true);
    await settle();
    expect([socket.state, made[0].written]).toEqual(['connecting', ['HELLO']]);
    made[0].peer('WELCOME');
    made[0].peer('one');
    made[0].peer('two');
    await settle();
    expect(log).toEqual(['dial', 'greeted by WELCOME', 'connect']);
    expect([made[0].written, data]).toEqual([
      ['HELLO', 'kept '],
      ['one', 'two'],
    ]);
    socket.destroy();
  });

  test('a greeting that fails is a connection that failed', async () => {
    let count = 0;
    const { socket, made, log } = scene({
      onConnect: () => {
        if (count++ === 0) throw new Error('wrong password');
      },
    });
    await settle();
    expect([made[0].destroyed, log]).toEqual([true, ['dial', 'again in 100 after 1']]);
    await later(100);
    expect(log.slice(2)).toEqual(['dial', 'connect']);
    socket.destroy();
  });

  test('the next chunk waits for onData', async () => {
    const data: string[] = [];
    let release = (): void => undefined;
    const { socket, made } = scene({
      onData: async (chunk) => {
        data.push(String(chunk));
        await new Promise<void>((resolve) => (release = resolve));
      },
    });
    await settle();
    made[0].peer('one');
    made[0].peer('two');
    await settle();
    expect(data).toEqual(['one']);
    release();
    await settle();
    expect(data).toEqual(['one', 'two']);
    socket.destroy();
  });

  test('what is written while it is down is refused with an error, and the loss of nothing is told as success', async () => {
    const { socket } = scene({}, 1);
    await settle();
    expect(() => socket.write('x')).toThrow(
      expect.objectContaining({
        code: 'MILLRACE_SOCKET_DOWN',
        limit: { option: 'maxBuffered', value: 0, seen: 1 },
      }) as Error,
    );
    socket.destroy();
  });

  test('or kept up to maxBuffered bytes, exactly, and written to the next connection first and in order', async () => {
    const { socket, made } = scene({ maxBuffered: 8 }, 1);
    await settle();
    const own = Buffer.from('cd');
    socket.write('ab');
    socket.write(own);
    own.fill('!');
    socket.write('\u20ac.');
    expect(socket.stats().buffered).toBe(8);
    expect(() => socket.write('x')).toThrow(expect.objectContaining({ code: 'MILLRACE_SOCKET_DOWN' }) as Error);
    await later(100);
    socket.write('after');
    expect([made[0].written, socket.stats().buffered]).toEqual([['ab', 'cd', '\u20ac.', 'after'], 0]);
    made[0].peer(null);
    await later(100);
    // Nothing is sent twice.
    expect(made[1].written).toEqual([]);
    socket.destroy();
  });

  test('close ends an open connection gracefully, a wait at once, and makes no other', async () => {
    const open = scene();
    await settle();
    await open.socket.close();
    expect([open.made[0].closed, open.made[0].destroyed]).toEqual([true, false]);
    const waiting = scene({}, 1);
    await settle();
    await waiting.socket.close();
    await later(60_000);
    expect(open.log).toEqual(['dial', 'connect', 'close undefined']);
    expect(waiting.log).toEqual(['dial', 'again in 100 after 1', 'close undefined']);
    await expect(waiting.socket.drained()).rejects.toMatchObject({ code: 'MILLRACE_DESTROYED' });
  });

  test('destroy cuts what is under way: a connection, a greeting, an attempt', async () => {
    const greeting = scene({ onConnect: ({ read }) => read() });
    await settle();
    greeting.socket.destroy();
    await settle();
    expect([greeting.made[0].destroyed, greeting.log]).toEqual([true, ['dial', 'close undefined']]);

    let seen: AbortSignal | undefined;
    let arrive = (_: Connection): void => undefined;
    const dialling = scene({
      connect: (signal) => ((seen = signal), new Promise<Connection>((resolve) => (arrive = resolve))),
    });
    const error = new Error('enough');
    dialling.socket.destroy(error);
    const late = new Fake();
    arrive(late as unknown as Connection);
    await settle();
    // A connection that arrives too late is not left open.
    expect([seen?.aborted, late.destroyed, dialling.log]).toEqual([true, true, ['close Error: enough']]);
    await expect(dialling.socket.ready()).rejects.toBe(error);
  });

  test('its signal ends it with an AbortError, also one that was aborted before', async () => {
    const abort = new AbortController();
    const { socket, log } = scene({ signal: abort.signal }, 1);
    await settle();
    abort.abort('reason');
    expect([socket.state, log.at(-1)]).toEqual(['closed', 'close ABORT_ERR']);
    await expect(socket.ready()).rejects.toMatchObject({ name: 'AbortError', cause: 'reason' });
    const before = scene({ signal: AbortSignal.abort() });
    await settle();
    expect(before.log).toEqual(['close ABORT_ERR']);
  });

  test('close within a disconnect is the end', async () => {
    const { socket, made, log } = scene();
    socket.on('disconnect', () => socket.destroy());
    await settle();
    made[0].peer(null);
    await later(10_000);
    expect(log).toEqual(['dial', 'connect', 'disconnect by its end', 'close undefined']);
  });
});

const fake = (): Promise<never> => Promise.reject(refused);
test.each([
  [{}],
  [{ connect: 7 }],
  [{ connect: fake, attempts: 0 }],
  [{ connect: fake, factor: 0 }],
  [{ connect: fake, retries: 3 }],
])('refuses the options %j', (options) => {
  expect(() => reconnect(options as never)).toThrow(MillraceError);
});

const text = (chunk: Uint8Array | null): string => Buffer.from(chunk ?? []).toString();

describe('over TCP', () => {
  async function listen(onSocket: (socket: NodeSocket) => void, port = 0): Promise<Server> {
    const server = createServer(onSocket);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  test('a server that restarts finds its client again, which greets it each time', async () => {
    const heard: string[] = [];
    const peers: NodeSocket[] = [];
    const onSocket = (socket: NodeSocket): void => {
      peers.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        heard.push(String(data));
        socket.write(`echo ${String(data)}`);
      });
    };
    let server = await listen(onSocket);
    const port = portOf(server);
    const data: string[] = [];
    const client = reconnect({
      connect: { host: '127.0.0.1', port },
      minDelay: 5,
      maxDelay: 20,
      maxBuffered: 1_000,
      onConnect: async ({ socket, read }) => {
        socket.write('hello');
        expect(text(await read())).toBe('echo hello');
      },
      onData: (chunk) => void data.push(text(chunk)),
    });
    await client.ready();
    client.write('first');
    await until(() => data.length === 1);

    server.close();
    reset(peers[0]);
    await until(() => client.state === 'waiting');
    client.write('second');
    await until(() => client.stats().failures > 1);
    server = await listen(onSocket, port);
    await client.ready();
    await until(() => data.length === 2);
    expect(data).toEqual(['echo first', 'echo second']);
    expect(heard).toEqual(['hello', 'first', 'hello', 'second']);

    const ended = once(peers[1], 'end');
    peers[1].on('end', () => peers[1].end());
    await client.close();
    await ended;
    server.close();
    await once(server, 'close');
    expect(client.stats()).toMatchObject({ state: 'closed', opened: 2 });
  });

  test('many restarts leave no connection behind', async () => {
    const live = new Set<NodeSocket>();
    let accepted = 0;
    const server = await listen((socket) => {
      live.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => live.delete(socket));
      if (++accepted % 2 === 0) reset(socket);
      else socket.end('bye');
    });
    const client = reconnect({ connect: { host: '127.0.0.1', port: portOf(server) }, minDelay: 0, maxDelay: 0 });
    await until(() => accepted >= 50);
    client.destroy();
    await until(() => live.size === 0);
    const then = accepted;
    await turns(20);
    expect(accepted).toBeLessThanOrEqual(then + 1);
    server.close();
  });
});
