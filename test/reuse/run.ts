import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { Client } from '../../ts/index.js';
import { onRequests } from '../support/scripted-server.js';

export interface ReuseResult {
  readonly requests: number;
  /** Requests that failed although they could have been sent again. */
  readonly failed: number;
  /**
   * POSTs that were with the kernel when the server closed: whether it had read them nobody on this side can know, so they
   * must fail and must not be sent again (RFC 9110 §9.2.2).
   */
  readonly undecided: number;
  /** Requests that are not idempotent and came to the server more than once. */
  readonly doubled: number;
  /** Connections that the server closed while they were idle. */
  readonly closedIdle: number;
  readonly connections: number;
}

/** mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Requests, one after the other, to a server that closes idle connections at random moments and after random counts, by
 * FIN and by reset. GETs and POSTs alternate: a POST must never come
 * to the server twice, a GET never fail.
 */
export async function reuseAgainst({ requests, seed }: { requests: number; seed: number }): Promise<ReuseResult> {
  const random = randomOf(seed);
  const seen = new Map<string, number>();
  let closedIdle = 0;
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined);
    let left = 1 + Math.floor(random() * 40);
    let busy = false;
    const close = (): void => {
      if (busy || socket.destroyed) return;
      closedIdle++;
      if (random() < 0.5) socket.end();
      else socket.resetAndDestroy();
    };
    onRequests(socket, (head) => {
      busy = true;
      const name = /^x-name: (.*)$/im.exec(head)?.[1] ?? '';
      seen.set(name, (seen.get(name) ?? 0) + 1);
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', () => {
        busy = false;
        if (--left > 0) return;
        // At once, in this turn's end, or in a while.
        const when = random();
        if (when < 0.3) close();
        else if (when < 0.7) setImmediate(close);
        else setTimeout(close, Math.floor(random() * 5));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const client = new Client();
  let failed = 0;
  let undecided = 0;
  let doubled = 0;
  for (let number = 0; number < requests; number++) {
    const method = number % 2 === 0 ? 'GET' : 'POST';
    const name = `${method}-${number}`;
    try {
      await (await client.request(url, { method, headers: { 'x-name': name } })).text();
    } catch (error) {
      const { code } = error as { code?: string };
      const isLost = code === 'MILLRACE_CONNECTION_RESET' || code === 'MILLRACE_CONNECTION_CLOSED';
      if (method === 'POST' && isLost) undecided++;
      else failed++;
    }
    if (method === 'POST' && (seen.get(name) ?? 0) > 1) doubled++;
    seen.delete(name);
    // The server's moments come between two requests too.
    if (random() < 0.1) await new Promise((resolve) => setTimeout(resolve, Math.floor(random() * 3)));
  }
  await client.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return { requests, failed, undecided, doubled, closedIdle, connections };
}
