// Each limit of a response: exactly at it, and one past it, with the error that names it.
import type { ClientOptions, MillraceError } from '../../ts/index.js';
import { Client, metrics } from '../../ts/index.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';

const STATUS = 'HTTP/1.1 200 OK\r\n';
const KIB = 1024;

/** What a client makes of a response: its text, or what it failed with. */
async function outcomeOf(response: string, options: ClientOptions = {}): Promise<string | MillraceError> {
  const server = await scriptedServer((socket) => onRequests(socket, () => socket.write(response)));
  const client = new Client({ timeouts: { headers: 2_000, body: 2_000 }, ...options });
  try {
    return await (await client.request(server.url)).text();
  } catch (error) {
    expect(client.stats().running).toBe(0);
    return error as MillraceError;
  } finally {
    client.destroy();
    await server.end();
  }
}

const pad = (text: string, to: number): string => text.replace('@', 'x'.repeat(to - text.length + 1));
/** A head whose field lines, with their ends, have so many bytes. */
const headOf = (size: number): string => `${STATUS}${pad('A: @\r\nContent-Length: 2\r\n', size)}\r\nok`;
const fieldsOf = (count: number): string => `${STATUS}${'A: b\r\n'.repeat(count - 1)}Content-Length: 2\r\n\r\nok`;
const CHUNKED = `${STATUS}Transfer-Encoding: chunked\r\n\r\n`;
const bodyOf = (size: number): string => `${STATUS}Content-Length: ${size}\r\n\r\n${'x'.repeat(size)}`;
const chunksOf = (size: number): string => `${CHUNKED}${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`;

/** The limit's name, its value, a response that is exactly at it, one that is one past it. */
const LIMITS: [string, number, (at: number) => string, number, ClientOptions?][] = [
  ['maxHeaderSize', 64 * KIB, headOf, 64 * KIB + 1],
  ['maxHeaderSize', 1_000, headOf, 1_001, { maxHeaderSize: 1_000 }],
  ['maxHeaderFields', 128, fieldsOf, 129],
  ['maxHeaderFields', 3, fieldsOf, 4, { maxHeaderFields: 3 }],
  ['maxResponseSize', 10 << 20, bodyOf, (10 << 20) + 1],
  ['maxResponseSize', 10 << 20, chunksOf, (10 << 20) + 1],
  ['maxResponseSize', 1_000, bodyOf, 1_001, { maxResponseSize: 1_000 }],
  ['chunkExtensions', 4 * KIB, (size) => `${CHUNKED}2;${'x'.repeat(size - 1)}\r\nok\r\n0\r\n\r\n`, 4 * KIB + 1],
  ['trailers', 16 * KIB, (size) => `${CHUNKED}2\r\nok\r\n0\r\n${pad('A: @\r\n', size)}\r\n`, 16 * KIB + 1],
];

/** Refusals so far; undefined where the limit has no counter of its own: those are `millrace_http_client_failures_total`. */
const counted = (option: string): number | undefined => {
  const counters: Readonly<Record<string, number>> = metrics.snapshot().counters;
  return counters[`millrace_limit_exceeded_total{option="${option}"}`];
};

test.each(LIMITS.map(([option, value, make, past, own = {}]) => ({ option, value, make, past, own })))(
  '$option of $value: what is at it passes, what is past it fails by its name, and is counted',
  async ({ option, value, make, past, own }) => {
    const before = counted(option);
    expect(typeof (await outcomeOf(make(value), own))).toBe('string');
    expect(counted(option)).toBe(before);
    const error = (await outcomeOf(make(past), own)) as MillraceError;
    expect(error).toMatchObject({ kind: 'limit', limit: { option, value } });
    expect(error.limit?.seen).toBe(past);
    expect(error.message).toContain(String(value));
    expect(counted(option)).toBe(before === undefined ? undefined : before + 1);
  },
);
