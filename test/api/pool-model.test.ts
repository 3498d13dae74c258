// The pool against a reference model: random operations, and what must hold after each of them.
import { Client } from '../../ts/index.js';
import { census } from '../../ts/native/events.js';
import { until } from '../support/condition.js';
import type { ScriptedServer } from '../support/scripted-server.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';

function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) % below;
  };
}

interface Origin {
  readonly server: ScriptedServer;
  /** Answers that the server owes, in the order of the requests. */
  readonly owed: { number: number; answer(): void }[];
  /** The most connections that the server saw open at once. */
  most: number;
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function origin(): Promise<Origin> {
  const owed: Origin['owed'] = [];
  const server = await scriptedServer((socket) => {
    state.most = Math.max(state.most, server.open());
    onRequests(socket, (head) => {
      const number = Number(/^GET \/(\d+)/.exec(head)?.[1]);
      owed.push({ number, answer: () => void socket.write(ANSWER) });
    });
  });
  const state: Origin = { server, owed, most: 0 };
  return state;
}

/** Requests of one origin, in the order in which they were made, until they are over. */
interface Model {
  readonly made: number[];
  readonly begun: Set<number>;
  readonly controllers: Map<number, AbortController>;
}

test.each(Array.from({ length: 6 }, (_, round) => (Number(process.env.MILLRACE_SEED) || Date.now() % 2 ** 31) + round))(
  'with the seed %i',
  async (seed) => {
    const random = randomOf(seed);
    const before = census();
    let perOrigin = 1 + random(4);
    let inAll = perOrigin + random(4);
    let capPerOrigin = perOrigin;
    let capInAll = inAll;
    const client = new Client({
      pool: { maxConnectionsPerOrigin: perOrigin, maxConnections: inAll, maxQueued: 1_000 },
    });
    const origins = [await origin(), await origin()];
    const models: Model[] = origins.map(() => ({ made: [], begun: new Set(), controllers: new Map() }));
    const pending: Promise<unknown>[] = [];
    let number = 0;
    let finished = 0;
    const make = (place: number): void => {
      const own = number++;
      const controller = new AbortController();
      const model = models[place];
      model.made.push(own);
      model.controllers.set(own, controller);
      const asked = client.request(`${origins[place].server.url}/${own}`, { signal: controller.signal });
      const over = (): void => {
        finished++;
        model.controllers.delete(own);
      };
      pending.push(
        asked
          .then((response) => response.text())
          .then(over, (error: Error) => {
            expect(error.name).toBe('AbortError');
            over();
          }),
      );
    };
    const step = (): void => {
      const place = random(2);
      const state = origins[place];
      const model = models[place];
      switch (random(8)) {
        case 0:
        case 1:
        case 2:
          return make(place);
        case 3:
        case 4: {
          const [owed] = state.owed.splice(random(Math.max(1, state.owed.length)), 1);
          return owed?.answer();
        }
        case 5: {
          const all = [...model.controllers.values()];
          return all[random(Math.max(1, all.length))]?.abort();
        }
        case 6:
          perOrigin = 1 + random(4);
          inAll = perOrigin + random(4);
          [capPerOrigin, capInAll] = [Math.max(capPerOrigin, perOrigin), Math.max(capInAll, inAll)];
          return client.pool.resize({ maxConnectionsPerOrigin: perOrigin, maxConnections: inAll });
        default:
          pending.push(client.pool.prewarm(state.server.url, random(3)));
          client.pool.sweep();
      }
    };
    for (let count = 0; count < 300; count++) {
      step();
      if (random(3) === 0) await new Promise((resolve) => setImmediate(resolve));
      const stats = client.stats();
      expect(stats.connected + stats.pending).toBeLessThanOrEqual(capInAll);
      for (const each of Object.values(stats.origins)) {
        expect(each.connected + each.pending).toBeLessThanOrEqual(capPerOrigin);
        expect(each.free + each.running).toBeLessThanOrEqual(each.connected);
      }
      for (const [place, { owed }] of origins.entries()) {
        // First in, first out: whoever is at the server was made before all who wait.
        const { begun } = models[place];
        for (const one of owed) begun.add(one.number);
      }
    }
    while (finished < number) {
      for (const { owed } of origins) for (const one of owed.splice(0)) one.answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(pending);
    for (const state of origins) expect(state.most).toBeLessThanOrEqual(capPerOrigin + capInAll);
    expect(client.stats()).toMatchObject({ queued: 0, running: 0, pending: 0 });
    await client.close();
    await Promise.all(origins.map(({ server }) => server.end()));
    await until(() => census().connections === before.connections && census().streams === before.streams);
  },
);

test('who waits is served in the order of asking', async () => {
  const { server, owed } = await origin();
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
  const before = census();
  const client = new Client();
  const texts = await Promise.all(Array.from({ length: 5_000 }, async () => (await client.request(server.url)).text()));
  expect(texts.every((text) => text === 'ok')).toBe(true);
  expect(most).toBeLessThanOrEqual(128);
  expect(client.stats()).toMatchObject({ queued: 0, running: 0 });
  await client.close();
  await server.end();
  await until(() => census().connections === before.connections && census().streams === before.streams);
});

test('a full queue refuses, and says which limit', async () => {
  const { server, owed } = await origin();
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
  const [one, other] = await Promise.all([origin(), origin()]);
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
