// Servers that trickle, and bodies that grow when they are unpacked.
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';

import { Client } from '../../ts/index.js';
import type { ScriptedServer } from '../support/scripted-server.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';
import { whatIsHeld } from '../support/what-is-held.js';

let server: ScriptedServer;
let client: Client;
let gone: () => Promise<void>;

beforeEach(() => {
  gone = whatIsHeld();
});

afterEach(async () => {
  client.destroy();
  await server.end();
  await gone();
});

describe('a server that trickles', () => {
  /** Sends a byte each so many ms, `count` of them, and then nothing more. */
  const trickling = (every: number, count: number, length = count): Promise<ScriptedServer> =>
    scriptedServer((socket) => {
      onRequests(socket, () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`);
        let sent = 0;
        const timer = setInterval(() => {
          socket.write('x');
          if (++sent === count) clearInterval(timer);
        }, every);
        socket.on('close', () => clearInterval(timer));
      });
    });

  test('a byte each 50 ms, longer than timeouts.body in all, is read to its end', async () => {
    server = await trickling(50, 40);
    client = new Client({ timeouts: { body: 1_000 } });
    const response = await client.get(server.url);
    expect(await response.text()).toBe('x'.repeat(40));
    expect(response.timings.body).toBeGreaterThan(1_500);
    expect(client.stats()).toMatchObject({ connected: 1, free: 1 });
  });

  test('a gap of more than timeouts.body fails it, however much has come', async () => {
    server = await trickling(5, 20, 21);
    client = new Client({ timeouts: { body: 150 } });
    const began = performance.now();
    await expect((await client.get(server.url)).text()).rejects.toMatchObject({
      code: 'MILLRACE_RESPONSE_BODY_TIMEOUT',
      phase: 'body',
      limit: { option: 'timeouts.body', value: 150 },
    });
    // The clock began anew with each byte.
    expect(performance.now() - began).toBeGreaterThan(20 * 5 + 140);
    expect(client.stats().connected).toBe(0);
  });

  test('total bounds what trickles for ever', async () => {
    server = await trickling(5, 1_000_000);
    client = new Client({ timeouts: { total: 150 } });
    const reading = async (): Promise<string> => (await client.get(server.url)).text();
    await expect(reading()).rejects.toMatchObject({ code: 'MILLRACE_TOTAL_TIMEOUT' });
    expect(client.stats().connected).toBe(0);
  });
});

describe('a body that grows', () => {
  const SIZE = 64 << 20;
  const zeros = Buffer.alloc(SIZE);
  const packed: Record<string, Buffer> = {
    gzip: gzipSync(zeros),
    deflate: deflateSync(zeros),
    br: brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
    'gzip, gzip': gzipSync(gzipSync(zeros)),
  };
  /** Answers with a packed body, by its length, in chunks, or to the end of the connection. */
  const packing = (coding: string, framing: string): Promise<ScriptedServer> =>
    scriptedServer((socket) => {
      const body = packed[coding];
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\n`;
      onRequests(socket, () => {
        if (framing === 'by length') {
          socket.write(`${head}Content-Length: ${body.length}\r\n\r\n`);
          socket.write(body);
        } else if (framing === 'by chunks') {
          socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`);
          socket.write(body);
          socket.write('\r\n0\r\n\r\n');
        } else {
          socket.write(`${head}\r\n`);
          socket.end(body);
        }
      });
    });
  const codings = Object.keys(packed);
  const cases = codings.flatMap((coding) =>
    (coding === 'gzip' ? ['by length', 'by chunks', 'by the end'] : ['by length']).map((framing) => [coding, framing]),
  );

  test.each(cases)('of %s, framed %s, stops at the limits of text()', async (coding, framing) => {
    server = await packing(coding, framing);
    client = new Client({ maxExpansion: null });
    const rss = process.memoryUsage.rss();
    await expect((await client.get(server.url)).text()).rejects.toMatchObject({
      code: 'MILLRACE_RESPONSE_TOO_LARGE',
      limit: { option: 'maxResponseSize', value: 10 << 20 },
    });
    await expect((await client.get(server.url, { maxResponseSize: 1 << 20 })).bytes()).rejects.toMatchObject({
      code: 'MILLRACE_RESPONSE_TOO_LARGE',
      limit: { value: 1 << 20 },
    });
    expect(process.memoryUsage.rss() - rss).toBeLessThan(SIZE);
  });

  test.each(codings)('of %s stops at maxExpansion, whole and streamed', async (coding) => {
    server = await packing(coding, 'by length');
    client = new Client({ maxResponseSize: null, maxExpansion: 100 });
    const wanted = { limit: { option: 'maxExpansion', value: 100 } };
    await expect((await client.get(server.url)).text()).rejects.toMatchObject(wanted);
    let seen = 0;
    const streamed = async (): Promise<void> => {
      for await (const chunk of (await client.get(server.url)).body) seen += chunk.byteLength;
    };
    await expect(streamed()).rejects.toMatchObject(wanted);
    expect(seen).toBeLessThan(SIZE);
  });
});
