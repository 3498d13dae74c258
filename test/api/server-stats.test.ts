import type { ServerStats } from '../../ts/index.js';
import { metrics, setLogger } from '../../ts/index.js';
import { turns, until } from '../support/condition.js';
import { cutClients, RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, post, request, start } from '../support/test-server.js';

endsWithItsTest();

/** The paths of all figures that differ. */
function moved(before: object, after: object, path = ''): string[] {
  return Object.entries(after).flatMap(([name, value]: [string, unknown]) => {
    const old = (before as Record<string, unknown>)[name];
    const place = path === '' ? name : `${path}.${name}`;
    if (typeof value === 'object' && value !== null) return moved(old as object, value, place);
    return value === old ? [] : [place];
  });
}

function figures(stats: object, path = ''): string[] {
  return Object.entries(stats).flatMap(([name, value]: [string, unknown]) => {
    const place = path === '' ? name : `${path}.${name}`;
    return typeof value === 'object' && value !== null ? figures(value, place) : [place];
  });
}

test('every figure moves with what it counts, for the server and for the process', async () => {
  setLogger(null);
  const LIMIT = 60;
  const server = await start({
    rateLimits: [{ prefix: '/limited', requests: 1, interval: 60_000 }],
    headersTimeout: LIMIT * 2,
    bodyTimeout: LIMIT,
    keepAliveTimeout: LIMIT,
    writeTimeout: LIMIT,
    handlerTimeout: LIMIT,
    handler: async (req, res) => {
      if (req.path === '/never') return;
      if (req.path === '/fail') throw new Error('planned');
      if (req.path === '/hints') res.writeEarlyHints({ link: '</a>' });
      if (req.path === '/large') res.write(Buffer.alloc(64 << 20));
      if (req.hasBody) await req.bytes();
      if (req.path === '/large') return;
      res.writeHead(req.path === '/moved' ? 301 : 200).end('four');
    },
  });
  const fresh = server.stats();
  const process = metrics.snapshot();
  const seen = new Set<string>();
  const look = (): ServerStats => {
    const stats = server.stats();
    for (const name of moved(fresh, stats)) seen.add(name);
    return stats;
  };
  const gone = (): Promise<void> => {
    // A connection that was refused lingers for as long as its client stays.
    cutClients();
    return until(() => look().connections.active === 0);
  };
  const connect = (): Promise<RawClient> => RawClient.connect(server);

  const first = await connect();
  for (const path of ['/', '/moved', '/fail', '/none', '/limited', '/limited']) await first.send(get(path)).response();
  await first.send(get('/hints')).response();
  await first.response();
  look();
  await first.send('GET / HTTP/9.9\r\n\r\n').rest();
  await gone();

  await (await connect()).send(post('/', 'half').slice(0, -1)).rest();
  await (await connect()).send('GET / HTTP/1.1\r\nHost:').rest();
  expect((await (await connect()).send(get('/never')).response()).status).toBe(503);
  await gone();

  const idle = await connect();
  await idle.send(get()).response();
  await idle.closed();

  const slow = await connect();
  slow.socket.pause();
  slow.send(get('/large'));
  await until(() => look().timeouts.send === 1);
  slow.destroy();
  await gone();

  // On servers without such short times, which a busy machine takes for the same thing.
  const full = await start({ maxConnections: 1, handler: () => undefined });
  const held = (await RawClient.connect(full)).send(get());
  await until(() => full.stats().requests.active === 1);
  expect((await (await RawClient.connect(full)).response()).status).toBe(503);
  held.reset();
  await until(() => full.stats().requests.aborted === 1);
  if (full.stats().connections.refused === 1) seen.add('connections.refused').add('requests.aborted');
  // The rate is of the last full second: one in which there were some has to pass.
  while (look().requests.perSecond === 0) {
    await server.inject({ url: '/' });
    await turns(10);
  }

  const drip = await start({ requestTimeout: LIMIT, handler: async (req) => void (await req.bytes()) });
  const dripping = await RawClient.connect(drip);
  const timer = setInterval(() => dripping.send('x'), LIMIT / 6);
  await dripping.send(request('POST', '/', ['Content-Length: 1000'])).rest();
  clearInterval(timer);
  if (drip.stats().timeouts.request === 1) seen.add('timeouts.request');

  // A body begins with five seconds of credit: those two move where the rates are tested.
  const shownElsewhere = /^timeouts\.((receive|send)Rate|tlsHandshake)$/;
  expect(figures(fresh).filter((name) => !seen.has(name) && !shownElsewhere.test(name))).toEqual([]);
  const { counters } = metrics.snapshot();
  const still = Object.keys(counters).filter(
    (name) =>
      /^millrace_http_server_(?!upgrades|validate|accept_pauses|connections_delayed|timeouts_total\{phase="((receive|send)Rate|tlsHandshake))/.test(
        name,
      ) && counters[name as keyof typeof counters] === process.counters[name as keyof typeof counters],
  );
  expect(still).toEqual([]);
});

test('a server that has closed reports its last numbers', async () => {
  const server = await start({ handler: (_req, res) => res.end() });
  await server.inject({ url: '/' });
  await until(() => server.stats().requests.total === 1);
  const last = server.stats();
  await server.close();
  expect(server.stats().requests.total).toBe(last.requests.total);
});
