import pino from 'pino';
import type { Logger as PinoLogger } from 'pino';

import { LEVELS } from '../../ts/log/level.js';
import { logRecord } from '../../ts/log/log.js';
import { serve, setLevel, setLogger, withLogContext } from '../../ts/index.js';

let lines: Record<string, unknown>[];
let logger: PinoLogger;

beforeEach(() => {
  lines = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  logger = pino({ level: 'trace', base: { app: 'shop' } }, { write });
  setLogger(logger);
  setLevel('trace');
});

afterEach(() => {
  setLogger(null);
  setLevel('warn');
});

test('pino itself takes records of every level, fields and message at their places', () => {
  LEVELS.forEach((level) => logRecord(level, 'server', `at ${level}`, { port: 80 }));
  expect(lines).toEqual(
    LEVELS.map((level) => ({
      level: pino.levels.values[level],
      time: expect.any(Number),
      app: 'shop',
      component: 'server',
      port: 80,
      msg: `at ${level}`,
    })),
  );
});

test('pino writes an error of a handler with its stack, and the context beside it', async () => {
  const server = await serve({
    port: 0,
    host: '127.0.0.1',
    logContext: true,
    handler: (_req, res) =>
      withLogContext({ user: 'ann' }, () => {
        res.statusCode = 503;
        throw new TypeError('on purpose');
      }),
  });
  await fetch(`${server.url}a?b`);
  await server.close();
  const line = lines.find(({ msg }) => msg === 'a request handler failed');
  expect(line).toMatchObject({
    level: 50,
    component: 'server',
    method: 'GET',
    url: '/a?b',
    requestId: expect.any(String),
  });
  expect(line?.err).toMatchObject({ type: 'TypeError', message: 'on purpose', stack: expect.stringMatching(/ at /) });
});

test('pino has a level of its own, and both must let a record pass', () => {
  logger.level = 'error';
  logRecord('warn', 'server', 'below that of pino');
  setLevel('fatal');
  logRecord('error', 'server', 'below ours');
  logRecord('fatal', 'server', 'heard');
  expect(lines.map(({ msg }) => msg)).toEqual(['heard']);
});

test('a child of pino is a logger too', () => {
  setLogger(logger.child({ worker: 3 }));
  logRecord('info', 'server', 'hello');
  expect(lines[0]).toMatchObject({ worker: 3, msg: 'hello' });
});
