import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server of node:http on the loopback that answers as the test says that runs. */
export interface NodeServer {
  readonly port: number;
  /** `http://127.0.0.1:port`, no slash behind. */
  readonly url: string;
  handler: NodeHandler;
}

/** One server for all tests of a file; before each test its handler is this one again. */
export function nodeServer(handler: NodeHandler): NodeServer {
  const server = createServer((request, response) => all.handler(request, response));
  const all = { port: 0, url: '', handler };
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    all.port = (server.address() as AddressInfo).port;
    all.url = `http://127.0.0.1:${all.port}`;
  });
  beforeEach(() => {
    all.handler = handler;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return all;
}
