// What counts as a response, as RFC 9112 §8 says: whole, or an error.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Client, MillraceError } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { allowed, FRAMING_NAMES, FRAMINGS } from '../support/cut-responses.js';
import { reset } from '../support/reset.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';
import { whatIsHeld } from '../support/what-is-held.js';

const HEAD = 'HTTP/1.1 200 OK\r\nA: b\r\n';

describe.each(['FIN', 'reset'] as const)('cut by a %s', (how) => {
  test.each(FRAMING_NAMES)('after every byte of a response framed %s', async (framing) => {
    const whole = FRAMINGS[framing];
    let bytes = 0;
    const server = await scriptedServer((socket) => {
      onRequests(socket, () => {
        socket.write(whole.slice(0, bytes), () => {
          if (how === 'FIN') socket.end();
          else reset(socket);
        });
      });
    });
    const gone = whatIsHeld();
    const client = new Client();
    for (bytes = 0; bytes <= whole.length; bytes++) {
      const outcome = await client
        .request(server.url)
        .then((response) => response.text())
        .catch((error: unknown) => error as Error);
      const may = allowed(framing, bytes, how === 'FIN' ? 'orderly' : 'broken');
      if (typeof outcome === 'string') expect(may).toContain(outcome);
      else expect(outcome).toBeInstanceOf(MillraceError);
      if (how === 'FIN') expect([bytes, typeof outcome]).toEqual([bytes, may.length > 0 ? 'string' : 'object']);
    }
    client.destroy();
    await server.end();
    await gone();
  });
});

const { malformed } = JSON.parse(
  readFileSync(join(__dirname, '../vectors/http1-malformed-responses.json'), 'utf8'),
) as { malformed: { name: string; response: string; code?: string }[] };

test('the table of malformed responses has a hundred rows', () => {
  expect(malformed.length).toBeGreaterThanOrEqual(100);
  expect(new Set(malformed.map(({ name }) => name)).size).toBe(malformed.length);
});

test.each(malformed)('refuses a response with $name', async ({ response, code }) => {
  const server = await scriptedServer((socket) => {
    onRequests(socket, () => socket.write(Buffer.from(response, 'latin1')));
  });
  const client = new Client({ timeouts: { headers: 5_000, body: 5_000 } });
  const outcome = client.request(server.url).then((found) => found.text());
  const error = (await outcome.catch((reason: unknown) => reason)) as MillraceError;
  expect(error).toBeInstanceOf(MillraceError);
  expect(['protocol', 'limit']).toContain(error.kind);
  if (code !== undefined) expect(error.code).toBe(code);
  expect(client.stats().connected).toBe(0);
  client.destroy();
  await server.end();
});

test('bytes that nobody asked for never become a response', async () => {
  const server = await scriptedServer((socket) => {
    onRequests(socket, (_, number) => {
      socket.write(`${HEAD}Content-Length: 2\r\n\r\nok`);
      if (number === 0) setImmediate(() => socket.write(`${HEAD}Content-Length: 4\r\n\r\nevil`));
    });
  });
  const client = new Client();
  for (let round = 0; round < 20; round++) {
    expect(await (await client.request(server.url)).text()).toBe('ok');
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(server.accepted()).toBeGreaterThan(1);
  client.destroy();
  await server.end();
});

test('1xx responses are told and are no answer; more than sixteen are refused', async () => {
  let count = 3;
  const server = await scriptedServer((socket) => {
    onRequests(socket, () => {
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(count));
      socket.write(`${HEAD}Content-Length: 2\r\n\r\nok`);
    });
  });
  const client = new Client();
  const told: unknown[] = [];
  const onInformational = (status: number, headers: { get(name: string): string | undefined }): void => {
    told.push([status, headers.get('link')]);
  };
  expect(await (await client.request(server.url, { onInformational })).text()).toBe('ok');
  expect(told).toEqual(Array(3).fill([103, '</a>']));
  count = 17;
  await expect(client.request(server.url)).rejects.toMatchObject({ code: 'MILLRACE_HTTP_TOO_MANY_INFORMATIONAL' });
  client.destroy();
  await server.end();
});

test('a body past maxResponseSize fails, by length and by chunks, and its connection goes', async () => {
  for (const framing of ['Content-Length: 200000\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\n30d40\r\n']) {
    const server = await scriptedServer((socket) => {
      onRequests(socket, () => socket.write(`${HEAD}${framing}${'x'.repeat(200_000)}`));
    });
    const client = new Client();
    const response = await client.request(server.url, { maxResponseSize: 100_000 });
    await expect(response.text()).rejects.toMatchObject({
      code: 'MILLRACE_RESPONSE_TOO_LARGE',
      limit: { option: 'maxResponseSize', value: 100_000 },
    });
    await until(() => client.stats().running === 0 && client.stats().connected === 0);
    client.destroy();
    await server.end();
  }
});
