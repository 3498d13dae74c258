// What counts as a response through TLS and through proxies: as over TCP, and an end without close_notify is none.
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { TLSSocket, createSecureContext } from 'node:tls';

import type { ClientOptions } from '../../ts/index.js';
import { Client, MillraceError } from '../../ts/index.js';
import { census } from '../../ts/native/events.js';
import { leaf, root } from '../support/chain.js';
import { until } from '../support/condition.js';
import type { Ending, Framing } from '../support/cut-responses.js';
import { allowed, FRAMING_NAMES, FRAMINGS } from '../support/cut-responses.js';
import { reset } from '../support/reset.js';
import { onRequests } from '../support/scripted-server.js';
import { proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest } from '../support/test-server.js';

proxiesEndWithTheirTest();
endsWithItsTest();

/** How a connection of the server ends; only through TLS there is the third. */
const ENDS = {
  'an end': 'orderly',
  'a reset': 'broken',
  'an end without close_notify': 'broken',
} as const satisfies Record<string, Ending>;
type End = keyof typeof ENDS;

interface Way {
  readonly tls: boolean;
  readonly proxy: 'http' | 'socks5' | undefined;
}
const WAYS: Record<string, Way> = {
  TLS: { tls: true, proxy: undefined },
  'a proxy of CONNECT': { tls: false, proxy: 'http' },
  'a proxy of SOCKS5': { tls: false, proxy: 'socks5' },
  'TLS through a proxy': { tls: true, proxy: 'http' },
};

/** A server that answers each request with these bytes and then ends so; undefined: it leaves the connection open. */
interface Answers {
  bytes: Buffer;
  end: End | undefined;
}

async function serverOf({ tls }: Way, answers: Answers): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const secureContext = createSecureContext({ cert: leaf.cert, key: leaf.key });
  const server = createServer({ allowHalfOpen: true }, (raw) => {
    sockets.add(raw);
    raw.on('error', () => undefined).on('close', () => sockets.delete(raw));
    const socket = tls ? new TLSSocket(raw, { isServer: true, secureContext }) : raw;
    socket.on('error', () => undefined);
    onRequests(socket, () => {
      socket.write(answers.bytes, () => {
        if (answers.end === 'an end') socket.end();
        else if (answers.end === 'a reset') reset(raw);
        else if (answers.end !== undefined) raw.end();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${tls ? 'https' : 'http'}://localhost:${(server.address() as AddressInfo).port}/`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A client that goes that way. */
async function clientOf({ tls, proxy }: Way): Promise<Client> {
  const options: ClientOptions = { family: 4, timeouts: { headers: 5_000, body: 5_000 } };
  if (tls) options.tls = { ca: root.cert };
  if (proxy !== undefined) options.proxy = `${proxy}://127.0.0.1:${(await startProxy()).port}`;
  return new Client(options);
}

async function textOf(client: Client, url: string): Promise<string | Error> {
  try {
    return await (await client.request(url)).text();
  } catch (error) {
    return error as Error;
  }
}

describe.each(Object.entries(WAYS))('over %s', (_, way) => {
  const ends = (Object.keys(ENDS) as End[]).filter((end) => way.tls || end !== 'an end without close_notify');

  test.each(ends.flatMap((end) => FRAMING_NAMES.map((framing): [End, Framing] => [end, framing])))(
    '%s after every byte of a response framed %s',
    async (end, framing) => {
      const whole = Buffer.from(FRAMINGS[framing], 'latin1');
      const answers: Answers = { bytes: whole, end };
      const server = await serverOf(way, answers);
      const client = await clientOf(way);
      const before = census();
      for (let bytes = 0; bytes <= whole.length; bytes++) {
        answers.bytes = whole.subarray(0, bytes);
        const outcome = await textOf(client, server.url);
        const may = allowed(framing, bytes, ENDS[end]);
        if (typeof outcome === 'string') expect([bytes, may]).toEqual([bytes, expect.arrayContaining([outcome])]);
        else expect(outcome).toBeInstanceOf(MillraceError);
        // A reset may destroy what had come before it; all else is exact.
        if (end !== 'a reset') expect([bytes, typeof outcome]).toEqual([bytes, may.length > 0 ? 'string' : 'object']);
      }
      expect(client.stats()).toMatchObject({ running: 0, queued: 0 });
      client.destroy();
      await server.close();
      await until(() => census().streams <= before.streams);
    },
  );

  const { malformed } = JSON.parse(
    readFileSync(join(__dirname, '../vectors/http1-malformed-responses.json'), 'utf8'),
  ) as { malformed: { name: string; response: string; code?: string }[] };

  test('refuses each of the malformed responses by the same code as over TCP', async () => {
    const answers: Answers = { bytes: Buffer.alloc(0), end: undefined };
    const server = await serverOf(way, answers);
    const client = await clientOf(way);
    const faults: string[] = [];
    for (const { name, response, code } of malformed) {
      answers.bytes = Buffer.from(response, 'latin1');
      const error = await textOf(client, server.url);
      const refused = error instanceof MillraceError && ['protocol', 'limit'].includes(error.kind);
      const isRight = refused && (code === undefined || error.code === code) && client.stats().connected === 0;
      if (!isRight) faults.push(`${name}: ${typeof error === 'string' ? error : (error as MillraceError).code}`);
    }
    expect(faults).toEqual([]);
    expect(malformed.length).toBeGreaterThanOrEqual(100);
    client.destroy();
    await server.close();
  });
});
