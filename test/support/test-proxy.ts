import { isIP } from 'node:net';

import type { ProxyServer, ProxyServerOptions } from '../../ts/index.js';
import { createProxyServer } from '../../ts/index.js';
import { until } from './condition.js';
import { RawClient } from './raw-client.js';
import type { Place } from './raw-client.js';

const running = new Set<ProxyServer>();

/** A proxy on the loopback that ends with its test. */
export async function startProxy(options: ProxyServerOptions = {}): Promise<ProxyServer> {
  const proxy = await createProxyServer(options);
  running.add(proxy);
  proxy.once('close', () => running.delete(proxy));
  return proxy;
}

/** To be called before `endsWithItsTest`, which looks at what is left. */
export function proxiesEndWithTheirTest(): void {
  afterEach(async () => {
    for (const proxy of running) proxy.destroy();
    await until(() => running.size === 0, 'the proxies have closed');
  });
}

/** How a client asks: for a tunnel, or with `forward` for the answer to a request in absolute form. */
export type Way = 'socks4' | 'socks4a' | 'socks5' | 'connect' | 'forward';

/** What a client of a proxy got. */
export interface Asked {
  client: RawClient;
  opened: boolean;
  /** The code of SOCKS (0 or 90 for yes), or the status. */
  reply: number;
  /** The head of an answer to CONNECT. */
  head: string;
}

export interface AskOptions {
  user?: string;
  password?: string;
  /** SOCKS5: an address is sent as a name. */
  asName?: boolean;
}

/** Asks a proxy for a tunnel, in words of its own. */
export async function ask(
  place: Place,
  way: Way,
  host: string,
  port: number,
  options: AskOptions = {},
): Promise<Asked> {
  const client = await RawClient.connect(place);
  switch (way) {
    case 'socks4':
    case 'socks4a':
      return socks4(client, host, port, options);
    case 'socks5':
      return socks5(client, host, port, options);
    case 'forward':
    case 'connect': {
      const name = isIP(host) === 6 ? `[${host}]` : host;
      client.send(way === 'connect' ? connectHead(name, port, options) : forwardHead(name, port, options));
      const head = await client.until('\r\n\r\n');
      const reply = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
      return { client, opened: reply === 200, reply, head };
    }
  }
}

export function connectHead(host: string, port: number, options: AskOptions = {}): string {
  return `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n${shown(options)}\r\n`;
}

export function forwardHead(host: string, port: number, options: AskOptions = {}): string {
  const fields = `Host: ${host}:${port}\r\nConnection: close\r\n${shown(options)}`;
  return `GET http://${host}:${port}/ HTTP/1.1\r\n${fields}\r\n`;
}

function shown({ user, password = '' }: AskOptions): string {
  const encoded = Buffer.from(`${user}:${password}`).toString('base64');
  return user === undefined ? '' : `Proxy-Authorization: Basic ${encoded}\r\n`;
}

/** A request of SOCKS4, or of 4a where the host is a name. */
export function socks4Request(host: string, port: number, user = ''): Buffer {
  const isName = isIP(host) !== 4;
  const address = isName ? [0, 0, 0, 1] : host.split('.').map(Number);
  const name = isName ? Buffer.from(`${host}\0`, 'latin1') : Buffer.alloc(0);
  return Buffer.concat([Buffer.from([4, 1, port >> 8, port & 255, ...address]), Buffer.from(`${user}\0`), name]);
}

async function socks4(client: RawClient, host: string, port: number, { user }: AskOptions): Promise<Asked> {
  client.send(socks4Request(host, port, user));
  const reply = (await client.exactly(8))[1];
  return { client, opened: reply === 90, reply, head: '' };
}

/** A request of SOCKS5, behind the greeting. */
export function socks5Request(host: string, port: number, asName = false): Buffer {
  const family = asName ? 0 : isIP(host);
  const name = Buffer.from(host, 'latin1');
  const address =
    family === 4
      ? [1, ...host.split('.').map(Number)]
      : family === 6
        ? [4, ...bytesOf(host)]
        : [3, name.length, ...name];
  return Buffer.from([5, 1, 0, ...address, port >> 8, port & 255]);
}

async function socks5(
  client: RawClient,
  host: string,
  port: number,
  { user, password = '', asName }: AskOptions,
): Promise<Asked> {
  client.send(Buffer.from([5, 1, user === undefined ? 0 : 2]));
  const [, method] = await client.exactly(2);
  if (method === 255) return { client, opened: false, reply: 255, head: '' };
  if (user !== undefined) {
    const [name, secret] = [Buffer.from(user), Buffer.from(password)];
    client.send(Buffer.concat([Buffer.from([1, name.length]), name, Buffer.from([secret.length]), secret]));
    if ((await client.exactly(2))[1] !== 0) return { client, opened: false, reply: -1, head: '' };
  }
  client.send(socks5Request(host, port, asName));
  const [, reply, , type] = await client.exactly(4);
  await client.exactly((type === 4 ? 16 : 4) + 2);
  return { client, opened: reply === 0, reply, head: '' };
}

/** The sixteen bytes of an IPv6 address. */
function bytesOf(address: string): number[] {
  const words = (part: string): number[] => (part === '' ? [] : part.split(':').map((word) => parseInt(word, 16)));
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [front, back] = plain.split('::').map(words);
  const zeros = back === undefined ? [] : new Array<number>(8 - front.length - back.length).fill(0);
  return [...front, ...zeros, ...(back ?? [])].flatMap((word) => [word >> 8, word & 255]);
}
