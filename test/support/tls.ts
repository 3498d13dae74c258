import { request } from 'node:https';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { connect as connectTls } from 'node:tls';

import type { MillraceError, Server, Socket, TlsClientOptions } from '../../ts/index.js';
import { connect } from '../../ts/index.js';

/** What Rust writes of a value, and no person: `Other(…)`, `OtherError`, `InvalidContentType`, `Type { … }`. */
const DEBUG_TEXT = /\bOther\(|\w\("|\w \{ |\b([A-Z][a-z]+){2,}\b/;
/** RFC 8446's own names of messages and records stand in these places; a pin is the base64 of a hash, any letters. */
const NAMES = /of type \w+ came, expected \w+( or \w+)*|malformed: [a-z ]+: \w+|sha256\/[\w+/]{43}=/g;

/** An error of TLS whose message has to be words that a person understands. */
export function inWords(error: MillraceError): MillraceError {
  expect(error.message.replace(NAMES, '')).not.toMatch(DEBUG_TEXT);
  return error;
}

/** What a `connect` that must fail was told. */
export async function refusal(server: { port: number }, tls: TlsClientOptions, host?: string): Promise<MillraceError> {
  try {
    const socket = await connect({
      host: '127.0.0.1',
      port: server.port,
      tls: { servername: 'localhost', ...tls, ...(host === undefined ? null : { servername: host }) },
    });
    socket.destroy();
  } catch (error) {
    return inWords(error as MillraceError);
  }
  throw new Error('it was let in');
}

/** Opens a socket to a server on the loopback. */
export function open(server: { port: number }, tls: TlsClientOptions): Promise<Socket> {
  return connect({ host: '127.0.0.1', port: server.port, tls: { servername: 'localhost', ...tls } });
}

/** All that a socket reads until its end. */
export async function rest(socket: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of socket) parts.push(part);
  return Buffer.concat(parts);
}

/** What a server's failed sessions were told as. */
export function failures(server: Server): MillraceError[] {
  const seen: MillraceError[] = [];
  server.on('tlsClientError', (error: MillraceError) => seen.push(inWords(error)));
  return seen;
}

/** One GET by node:https over a connection of its own. */
export function getByNode(
  server: { port: number },
  options: ConnectionOptions & { headers?: Record<string, string>; method?: string; path?: string; body?: Buffer } = {},
): Promise<{ status: number; body: Buffer; socket: TLSSocket }> {
  const { body, ...others } = options;
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port: server.port, servername: 'localhost', agent: false, ...others },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(parts),
            socket: response.socket as TLSSocket,
          }),
        );
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

/** A handshake of Node's that must fail: the error's code. */
export function refusedByNode(server: { port: number }, options: ConnectionOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: server.port, servername: 'localhost', ...options });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    // In TLS 1.3 a client is through before the server has judged it.
    socket.once('end', () => socket.destroy());
    socket.once('close', () => reject(new Error('closed without an error')));
    socket.resume();
  });
}
