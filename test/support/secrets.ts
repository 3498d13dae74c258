import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';

import { CHANNELS, UNDICI_CHANNELS } from '../../ts/client/channels.js';
import { metrics, setLevel, setLogger } from '../../ts/index.js';
import { SOCKET_CHANNELS } from '../../ts/net/channels.js';
import { PROXY_CHANNELS } from '../../ts/proxy-server/channels.js';

export const USER = 'alice-of-the-secrets';
export const PASSWORD = 'p4ss/w0rd of thé ages';

/** In every form in which they might be written down. */
const FORMS = [
  PASSWORD,
  encodeURIComponent(PASSWORD),
  encodeURI(PASSWORD),
  Buffer.from(PASSWORD).toString('latin1'),
  Buffer.from(PASSWORD).toString('hex'),
  Buffer.from(`${USER}:${PASSWORD}`).toString('base64'),
  Buffer.from(PASSWORD).toString('base64').slice(0, -4),
  [...Buffer.from(PASSWORD)].join(', '),
];

/** Without those of servers, which hand out requests as they came, as a handler has them. */
const NAMES = [
  ...[CHANNELS, UNDICI_CHANNELS, SOCKET_CHANNELS, PROXY_CHANNELS].flatMap((channels) =>
    Object.values(channels)
      .map(({ name }) => String(name))
      // The text of the head as it is sent, as undici has it.
      .filter((name) => name !== 'undici:client:sendHeaders'),
  ),
  ...['start', 'open', 'error'].map((name) => `millrace:client:connect:${name}`),
  ...['beforeConnect', 'connected', 'connectError'].map((name) => `undici:client:${name}`),
  ...['start', 'finish', 'error'].map((name) => `millrace:dns:lookup:${name}`),
];

const said: string[] = [];

/** Writes down all that a value shows of itself; of an error, what its causes show as well. */
export function show(value: unknown): void {
  said.push(
    inspect(value, { depth: 10, showHidden: true, maxArrayLength: null, maxStringLength: null, getters: true }),
  );
  for (let error = value; error instanceof Error; error = error.cause) {
    said.push(error.message, error.stack ?? '', String(error), JSON.stringify(error));
    for (const other of (error as { errors?: Error[] }).errors ?? []) said.push(other.message, other.stack ?? '');
  }
}

const hear = (message: unknown): void => show(message);

/** All that millrace says is written down for each test: the log at its finest, and every channel. To be called once. */
export function hearsEverything(): void {
  beforeEach(() => {
    said.length = 0;
    setLevel('trace');
    setLogger((record) => show(record));
    for (const name of NAMES) subscribe(name, hear);
  });
  afterEach(() => {
    for (const name of NAMES) unsubscribe(name, hear);
    setLogger(null);
    setLevel('warn');
  });
}

/** Nothing that was said so far, metrics included, has a form of the secrets; who heard less than this would prove nothing. */
export function expectSilence(least = 3): void {
  expect(said.length).toBeGreaterThanOrEqual(least);
  show(metrics.snapshot());
  said.push(metrics.toPrometheus(), metrics.toPrometheus({ openMetrics: true }));
  const text = said.join('\n');
  for (const form of FORMS) {
    const at = text.indexOf(form);
    // The whole of it would be too much to read.
    if (at >= 0) throw new Error(`it was said: ${text.slice(Math.max(0, at - 400), at + 200)}`);
  }
}
