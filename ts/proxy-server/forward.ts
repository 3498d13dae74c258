import type { ServerRequest } from '../server/request.js';
import type { ServerResponse } from '../server/response.js';
import type { Gateway } from './gateway.js';
import type { ProxyServer } from './proxy-server.js';

/** Requests in absolute form (RFC 9112 §3.2.2). */
export class Forwarder {
  constructor(
    readonly proxy: ProxyServer,
    readonly gateway: Gateway,
    readonly connectTimeout: number,
  ) {}

  handle(_req: ServerRequest, res: ServerResponse): void {
    res.writeHead(501).end();
  }

  close(): void {}
}
