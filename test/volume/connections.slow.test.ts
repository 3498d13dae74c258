import { runVolume } from './run.js';

test('10 000 keep-alive connections on one process, 200 more get 503, and each of the first is served again', async () => {
  expect(await runVolume('keep-alive.mjs')).toMatch(/200 more got 503|^skipped: /);
}, 120_000);

test('connections over several servers on one port and several clients: each is answered three times', async () => {
  const said = await runVolume('connections.mjs', ['--count', '2000', '--hold', '0']);
  expect(said).toMatch(/no connection ended|^skipped: /);
}, 120_000);

test('four workers allow four times a limit of each thread, and exactly one of the process, whoever races', async () => {
  expect(await runVolume('limit-scope.mjs')).toBe(
    [
      'maxConnections over 4 workers: thread 40, process 10',
      'maxConnectionsPerIp over 4 workers: thread 20, process 5',
      'rateLimits over 4 workers: thread 80, process 20\n',
    ].join('\n'),
  );
}, 120_000);

test('the system has no file left (ENFILE): accepting pauses, live connections are served, those that wait are after', async () => {
  expect(await runVolume('files-run-out.mjs')).toMatch(/then 30 that had waited[^]*10 clients refused|^skipped: /);
}, 120_000);

test('a thousand tunnels of one relay carry their own bytes, cost little and leave nothing', async () => {
  expect(await runVolume('tunnels.mjs', ['--count', '1000'])).toMatch(/nothing left behind|^skipped/);
}, 120_000);
