import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server as NetServer, Socket as NetSocket } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

import type { ServerRequest, ServerResponse } from '../../ts/index.js';
import { serve } from '../../ts/index.js';

const PROGRAM = join(__dirname, '../border/programs/inherited.mjs');
const REQUEST = 'GET /here HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

const children: ChildProcess[] = [];

interface Hello {
  port: number;
  errors: string[];
}

function start(kind: 'listener' | 'raw' | 'connection', third: 'pipe' | number): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, kind], { stdio: ['pipe', 'pipe', 'inherit', third] });
  children.push(child);
  return child;
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill();
});

async function hello(child: ChildProcess): Promise<Hello> {
  const [line] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string];
  return JSON.parse(line) as Hello;
}

async function answerOf(socket: NetSocket): Promise<string> {
  socket.setEncoding('utf8').write(REQUEST);
  let text = '';
  for await (const chunk of socket) text += chunk as string;
  return text;
}

test('a listening socket of a parent is served', async () => {
  const parent: NetServer = createServer().listen(0, '127.0.0.1');
  await once(parent, 'listening');
  const { port } = parent.address() as { port: number };
  const { fd } = (parent as unknown as { _handle: { fd: number } })._handle;
  const child = start('listener', fd);
  const { port: told, errors } = await hello(child);
  // The child alone accepts.
  parent.close();
  expect(told).toBe(port);
  expect(errors).toEqual([
    'MillraceError MILLRACE_SYSTEM ENOTSOCK',
    expect.stringContaining('RangeError'),
    expect.stringContaining('EBADF'),
  ]);
  expect(await answerOf(connect(port, '127.0.0.1'))).toMatch(/200 OK[^]*GET \/here$/);
  child.stdin!.end();
  expect(await once(child, 'close')).toEqual([0, null]);
  await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a listening socket of a parent is served by a raw listener, too', async () => {
  const parent: NetServer = createServer().listen(0, '127.0.0.1');
  await once(parent, 'listening');
  const { port } = parent.address() as { port: number };
  const child = start('raw', (parent as unknown as { _handle: { fd: number } })._handle.fd);
  expect((await hello(child)).port).toBe(port);
  parent.close();
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.end('four');
  expect(await once(socket, 'data')).toEqual(['raw 4']);
  child.stdin!.end();
  expect(await once(child, 'close')).toEqual([0, null]);
});

test('a connected socket of a parent becomes a connection', async () => {
  const child = start('connection', 'pipe');
  await hello(child);
  const socket = child.stdio[3] as NetSocket;
  expect(await answerOf(socket)).toMatch(/200 OK[^]*GET \/here$/);
  child.stdin!.end();
  expect(await once(child, 'close')).toEqual([0, null]);
});

test('a descriptor that does not listen is refused with the reason', async () => {
  const handler = (): void => undefined;
  await expect(serve({ fd: 9_999, handler })).rejects.toMatchObject({
    code: 'MILLRACE_SYSTEM',
    cause: { code: 'EBADF' },
  });
  await expect(serve({ fd: 0, port: 80, handler })).rejects.toThrow(/only one of the options/);
});

test('a listener that was handed over is served by the next process when this one has closed', async () => {
  const handler = (req: ServerRequest, res: ServerResponse): void => void res.end(`first ${req.url}`);
  const server = await serve({ port: 0, host: '127.0.0.1', handler });
  const child = start('listener', server.handOver());
  expect((await hello(child)).port).toBe(server.port);
  // Both take connections from the one queue; when the first has closed, the second alone.
  await server.close();
  expect(() => server.handOver()).toThrow(expect.objectContaining({ code: 'MILLRACE_SERVER_CLOSED' }));
  expect(await answerOf(connect(server.port, '127.0.0.1'))).toMatch(/200 OK[^]*GET \/here$/);
  child.stdin!.end();
  expect(await once(child, 'close')).toEqual([0, null]);
});

test('a closing server has nothing to hand over', async () => {
  const server = await serve({ port: 0, host: '127.0.0.1', handler: () => undefined });
  const closed = server.close();
  expect(() => server.handOver()).toThrow(expect.objectContaining({ code: 'MILLRACE_SERVER_CLOSED' }));
  await closed;
});
