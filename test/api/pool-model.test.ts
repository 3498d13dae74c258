// The pool against a reference model: random operations, and what must be seen after each of them.
import type { Socket } from 'node:net';

import { Client } from '../../ts/index.js';
import { until } from '../support/condition.js';
import type { ReferenceLimits } from '../support/pool-reference.js';
import { ReferencePool } from '../support/pool-reference.js';
import type { ScriptedServer } from '../support/scripted-server.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';
import { randomOf, seeds } from '../support/seed.js';
import { whatIsHeld } from '../support/what-is-held.js';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** Times of the test's clock, which goes in steps: none is near another. */
const STEP = 250_000;
const IDLE_TIMEOUT = 600_000;
const MAX_AGE = 1_600_000;
const OPERATIONS = 250;

interface Origin {
  readonly server: ScriptedServer;
  /** Requests that are with the server, and how each is answered. */
  readonly owed: Map<number, () => void>;
  closeIdle(): void;
  /** Connections that it has ended, and the client has not yet. */
  readonly ending: Set<Socket>;
}

async function origin(): Promise<Origin> {
  const owed: Origin['owed'] = new Map();
  const idle = new Set<Socket>();
  const ending = new Set<Socket>();
  const server = await scriptedServer((socket) => {
    let current = -1;
    idle.add(socket);
    socket.on('close', () => {
      idle.delete(socket);
      ending.delete(socket);
      owed.delete(current);
    });
    onRequests(socket, (head) => {
      const number = (current = Number(/^GET \/(\d+)/.exec(head)?.[1]));
      idle.delete(socket);
      owed.set(number, () => {
        owed.delete(number);
        idle.add(socket);
        socket.write(ANSWER);
      });
    });
  });
  const closeIdle = (): void => {
    for (const socket of idle) ending.add(socket.end());
    idle.clear();
  };
  return { server, owed, ending, closeIdle };
}

describe('random operations, against a reference', () => {
  let passed = 0;

  beforeEach(() => {
    passed = 0;
    const real = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => real() + passed);
    // No connection retires before its age, and the sweeper sweeps when the test says.
    jest.spyOn(Math, 'random').mockReturnValue(0);
    jest.spyOn(globalThis, 'setInterval').mockImplementation(() => setTimeout(() => undefined, 0));
  });

  afterEach(() => jest.restoreAllMocks());

  test.each(seeds(6))('with the seed %i', async (seed) => {
    const random = randomOf(seed);
    const limits = (): ReferenceLimits => {
      const maxConnectionsPerOrigin = 1 + random(4);
      return {
        maxConnectionsPerOrigin,
        maxConnections: maxConnectionsPerOrigin + random(5),
        maxQueued: random(3) === 0 ? random(4) : 1_000,
        maxRequestsPerConnection: random(2) === 0 ? null : 2 + random(4),
        maxConnectionAge: random(2) === 0 ? null : MAX_AGE,
        idleTimeout: IDLE_TIMEOUT,
        minIdle: random(2),
      };
    };
    const gone = whatIsHeld();
    const model = new ReferencePool(limits());
    const origins = [await origin(), await origin(), await origin()];
    const log: string[] = [];
    /** Of every second seed a hook judges what is to be used again; which uses it refuses changes from time to time. */
    const moods = origins.map(() => random(4));
    let judged = 0;
    let asked = 0;
    if (seed % 2 === 0) {
      model.validate = (place, uses) => (judged++, (uses + moods[place]) % 4 !== 0);
    }
    let judging = 0;
    const validate = async ({ uses, address }: { uses: number; address: string[] }): Promise<boolean> => {
      asked++;
      judging++;
      const place = origins.findIndex(({ server }) => server.port === Number(address[1]));
      const passes = (uses + moods[place]) % 4 !== 0;
      // At once, or in a later turn.
      if (asked % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      // The pool hears of it before this turn ends.
      setImmediate(() => judging--);
      return passes;
    };
    const client = new Client({
      pool: { ...model.limits, ...(model.validate === null ? null : { validate }) },
      timeouts: { acquire: 2_000_000_000 },
    });
    const over = new Map<number, AbortController>();
    let number = 0;
    let unsettled = 0;

    const ask = (place: number): void => {
      const own = number++;
      const controller = new AbortController();
      const taken = model.ask(place, own);
      const call = client.request(`${origins[place].server.url}/${own}`, { signal: controller.signal });
      unsettled++;
      if (taken) over.set(own, controller);
      const settled = (outcome: string): void => {
        unsettled--;
        over.delete(own);
        const wanted = controller.signal.aborted ? 'ABORT_ERR' : taken ? 'ok' : 'MILLRACE_POOL_QUEUE_FULL';
        if (outcome !== wanted) log.push(`FAULT: request ${own} ended with ${outcome}, not ${wanted}`);
      };
      call.then((response) => response.text()).then(settled, ({ code }: { code: string }) => settled(code));
    };
    const anyOf = <T>(all: readonly T[]): T | undefined => all[random(Math.max(1, all.length))];
    const answer = (): void => {
      const [place, own] = anyOf(origins.flatMap(({ owed }, at) => [...owed.keys()].map((one) => [at, one]))) ?? [];
      if (place === undefined || own === undefined) return;
      log.push(`answer ${own}`);
      model.answered(own);
      origins[place].owed.get(own)?.();
    };
    const step = async (): Promise<void> => {
      const place = random(origins.length);
      switch (random(13)) {
        case 0:
        case 1:
        case 2:
        case 3:
          log.push(`ask ${number} of ${place}`);
          return ask(place);
        case 4:
        case 5:
        case 6:
          return answer();
        case 7: {
          const own = anyOf([...over.keys()]);
          if (own === undefined) return;
          log.push(`abort ${own}`);
          model.aborted(own);
          return over.get(own)?.abort();
        }
        case 8: {
          const changed = limits();
          log.push(`resize ${JSON.stringify(changed)}`);
          model.resize({ ...changed });
          return client.pool.resize({ ...changed });
        }
        case 9: {
          const count = 1 + random(3);
          log.push(`prewarm ${count} of ${place}`);
          const wanted = model.prewarm(place, count);
          return void expect({ log, opened: await client.pool.prewarm(origins[place].server.url, count) }).toEqual({
            log,
            opened: wanted,
          });
        }
        case 10:
          log.push(`close what is idle at ${place}`);
          model.peerClosesIdle(place);
          return origins[place].closeIdle();
        case 11:
          moods[place] = random(4);
          return void log.push(`another mood at ${place}: ${moods[place]}`);
        default:
          log.push('time passes');
          passed += STEP;
          model.now += STEP;
          if (random(2) === 0) return;
          log.push('sweep');
          model.sweep();
          client.pool.sweep();
      }
    };
    /** All that is under way has come to its end: what there is to be seen then, of the pool and by its servers. */
    const seen = async (): Promise<object> => {
      const isAtRest = (): boolean => {
        const { pending, running, connected, created } = client.stats();
        const sum = (count: (one: Origin) => number): number => origins.reduce((all, one) => all + count(one), 0);
        const isQuiet =
          judging === 0 && pending === 0 && unsettled === over.size && sum(({ ending }) => ending.size) === 0;
        // Also the servers have noticed what was opened and what was closed.
        const isNoticed =
          sum(({ server }) => server.accepted()) === created && sum(({ server }) => server.open()) === connected;
        return isQuiet && isNoticed && sum(({ owed }) => owed.size) === running;
      };
      await until(isAtRest, () => `rest, seed ${seed}: ${log.join('; ')}; ${JSON.stringify(client.stats())}`);
      const { origins: each, created, reused, refused, retired, connected } = client.stats();
      const per = origins.map(({ server, owed }) => ({
        running: [...owed.keys()].sort((one, other) => one - other),
        queued: each[server.url]?.queued ?? 0,
        free: each[server.url]?.free ?? 0,
      }));
      return {
        per,
        connected,
        created,
        reused,
        refused,
        retired,
        judged: asked,
        faults: log.filter((line) => line.startsWith('FAULT')),
      };
    };
    const wanted = (): object => {
      const { connected, created, reused, refused, retired } = model;
      const per = origins.map((_, place) => model.seen(place));
      return { per, connected, created, reused, refused, retired: { ...retired }, judged, faults: [] };
    };
    const compare = async (): Promise<void> => {
      const found = await seen();
      // The whole story is told where it went wrong.
      expect({ seed, log, ...found }).toEqual({ seed, log, ...wanted() });
    };

    for (let count = 0; count < OPERATIONS; count++) {
      await step();
      await compare();
    }
    log.push('drain');
    model.drain();
    const drained = client.close();
    await compare();
    await expect(client.request(origins[0].server.url)).rejects.toMatchObject({ code: 'MILLRACE_CLIENT_CLOSED' });
    while (model.connected > 0) {
      answer();
      await compare();
    }
    await drained;
    expect(client.stats()).toMatchObject({ state: 'stopped', connected: 0, queued: 0, pending: 0, running: 0 });
    expect(unsettled).toBe(0);
    await Promise.all(origins.map(({ server }) => server.end()));
    await gone();
  });
});

/** Answers that a server owes, in the order of the requests. */
interface Answering {
  readonly server: ScriptedServer;
  readonly owed: { number: number; answer(): void }[];
}

async function answering(): Promise<Answering> {
  const owed: Answering['owed'] = [];
  const server = await scriptedServer((socket) => {
    onRequests(socket, (head) => {
      const number = Number(/^GET \/(\d+)/.exec(head)?.[1]);
      owed.push({ number, answer: () => void socket.write(ANSWER) });
    });
  });
  return { server, owed };
}

test('who waits is served in the order of asking', async () => {
  const { server, owed } = await answering();
  const client = new Client({ pool: { maxConnectionsPerOrigin: 1 } });
  const all = Array.from({ length: 20 }, (_, number) =>
    client.request(`${server.url}/${number}`).then((response) => response.text()),
  );
  const order: number[] = [];
  while (order.length < 20) {
    await until(() => owed.length > 0);
    const [one] = owed.splice(0, 1);
    order.push(one?.number ?? -1);
    one?.answer();
  }
  await Promise.all(all);
  expect(order).toEqual(Array.from({ length: 20 }, (_, number) => number));
  expect(client.stats()).toMatchObject({ created: 1, reused: 19 });
  expect(client.stats().waits.count).toBe(20);
  await client.close();
  await server.end();
});

test('5 000 requests at once keep within the cap, and leave nothing', async () => {
  let most = 0;
  const server = await scriptedServer((socket) => {
    most = Math.max(most, server.open());
    onRequests(socket, () => socket.write(ANSWER));
  });
  const gone = whatIsHeld();
  const client = new Client();
  const texts = await Promise.all(Array.from({ length: 5_000 }, async () => (await client.request(server.url)).text()));
  expect(texts.every((text) => text === 'ok')).toBe(true);
  expect(most).toBeLessThanOrEqual(128);
  expect(client.stats()).toMatchObject({ queued: 0, running: 0 });
  await client.close();
  await server.end();
  await gone();
});

test('a full queue refuses, and says which limit', async () => {
  const { server, owed } = await answering();
  const client = new Client({ pool: { maxConnectionsPerOrigin: 1, maxQueued: 1 } });
  const first = client.request(`${server.url}/0`);
  const second = client.request(`${server.url}/1`).catch((error: unknown) => error);
  await until(() => owed.length === 1);
  const third = client.request(`${server.url}/2`).catch((error: unknown) => error);
  const refused = client.request(`${server.url}/3`).catch((error: unknown) => error);
  expect(await refused).toMatchObject({ code: 'MILLRACE_POOL_QUEUE_FULL', limit: { option: 'maxQueued', value: 1 } });
  client.destroy();
  await Promise.allSettled([first, second, third]);
  await server.end();
});

test('at the global cap the oldest idle connection of another origin makes room', async () => {
  const [one, other] = await Promise.all([answering(), answering()]);
  const client = new Client({ pool: { maxConnections: 1 } });
  for (const { server, owed } of [one, other, one]) {
    const asked = client.request(`${server.url}/1`);
    await until(() => owed.length > 0);
    owed.splice(0)[0]?.answer();
    await (await asked).text();
    expect(client.stats().connected).toBe(1);
  }
  expect(client.stats()).toMatchObject({ created: 3, retired: { limit: 2 } });
  await client.close();
  await Promise.all([one.server.end(), other.server.end()]);
});
