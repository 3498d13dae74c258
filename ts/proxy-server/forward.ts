import { Client } from '../client/client.js';
import type { ClientResponse } from '../client/response.js';
import { withoutBrackets } from '../dns/host-text.js';
import type { HeaderView } from '../message/header-view.js';
import type { ProxyHop } from '../proxy/route.js';
import { hopOption } from '../proxy/route.js';
import type { ServerRequest } from '../server/request.js';
import type { ServerResponse } from '../server/response.js';
import type { Failure } from './failure.js';
import { failureOf, proxyStatus } from './failure.js';
import type { Gateway, ProxyRequest, Way } from './gateway.js';
import { BASIC } from './proxy-server.js';
import type { ProxyServer } from './proxy-server.js';

/** Fields of one connection, which a proxy does not pass on (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);
/** What `Connection` may not nominate: it would take away what the target decides by. */
const KEPT = new Set([
  'host',
  'authorization',
  'cookie',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);
/** What is written for the next hop, where it has any. */
const SET_ANEW = new Set(['host', 'max-forwards', 'expect']);
const MAX_FORWARDS = new Set(['TRACE', 'OPTIONS']);

/** Passes on requests in absolute form (RFC 9112 §3.2.2), over connections of its own. */
export class Forwarder {
  readonly #proxy: ProxyServer;
  readonly #gateway: Gateway;
  readonly #client: Client;
  readonly #name: string;

  constructor(proxy: ProxyServer, gateway: Gateway, connectTimeout: number) {
    this.#proxy = proxy;
    this.#gateway = gateway;
    this.#name = gateway.name;
    this.#client = new Client({
      timeouts: { connect: connectTimeout },
      decompress: false,
      maxRedirects: 0,
      maxResponseSize: null,
      retry: false,
    });
  }

  /** Answers a request with what its target says. */
  async handle(req: ServerRequest, res: ServerResponse): Promise<void> {
    const user = await this.#proxy.authenticate(req);
    if (user === false) {
      res.writeHead(407, { 'Proxy-Authenticate': BASIC, 'Content-Length': '0' }).end();
      return;
    }
    const url = targetOf(req);
    if (url === null) {
      res.writeHead(400, { 'Content-Length': '0', 'Proxy-Status': proxyStatus({ type: 'http_request_error' }) }).end();
      return;
    }
    const forwards = Number(req.headers.get('max-forwards') ?? Infinity);
    if (forwards === 0 && MAX_FORWARDS.has(req.method)) {
      res.writeHead(200, { 'Content-Length': '0', Via: `1.1 ${this.#name}` }).end();
      return;
    }
    if (req.headers.getAll('via').some((value) => value.includes(this.#name))) {
      this.#gateway.denied.loops++;
      res.writeHead(508, { 'Content-Length': '0', 'Proxy-Status': proxyStatus({ type: 'proxy_loop_detected' }) }).end();
      return;
    }
    const { remoteAddress, remotePort } = req;
    const host = withoutBrackets(url.hostname);
    const asked: ProxyRequest = {
      protocol: 'http',
      host,
      port: url.port === '' ? 80 : Number(url.port),
      username: user,
      remoteAddress,
      remotePort,
    };
    let answer: ClientResponse;
    try {
      const ways = await this.#gateway.ways(asked, req.signal);
      answer = await this.#send(req, res, url, ways);
    } catch (error) {
      if (!res.headersSent) refuse(res, failureOf(error));
      return;
    }
    this.#proxy.countForwarded();
    await relay(answer, res, this.#name, req.method === 'HEAD');
  }

  close(): void {
    this.#client.destroy();
  }

  async #send(req: ServerRequest, res: ServerResponse, url: URL, ways: readonly Way[]): Promise<ClientResponse> {
    const headers = fieldsOf(req.headers, `1.${req.httpVersion.slice(2)} ${this.#name}`);
    const forwards = req.headers.get('max-forwards');
    if (forwards !== undefined && MAX_FORWARDS.has(req.method)) {
      headers.push(['Max-Forwards', String(Math.max(0, Number(forwards) - 1))]);
    }
    // The target's own name: it may differ from the field's, which the absolute form overrides (RFC 9112 §3.2.2).
    headers.push(['Host', url.host]);
    const length = req.headers.get('content-length');
    const body = req.hasBody ? req : null;
    if (length !== undefined && body !== null) headers.push(['Content-Length', length]);
    let failure: unknown;
    for (const { place, proxy } of ways.flatMap(placesOf)) {
      try {
        return await this.#client.request(`http://${place}${url.pathname}${url.search}`, {
          method: req.method,
          headers,
          ...(body === null ? null : { body }),
          proxy,
          signal: req.signal,
          onInformational: (status, fields) => {
            if (status === 103 && !res.headersSent) res.writeEarlyHints(fieldsOf(fields, null));
          },
        });
      } catch (error) {
        failure = error;
        // Another address is tried only while nothing of the body is gone, and where this one was not reached.
        if (req.used || (error as { phase?: string }).phase !== 'connect') break;
      }
    }
    throw failure as Error;
  }
}

/** The authority to send to, for each address of a way. */
function placesOf({ host, port, addresses, hops }: Way): { place: string; proxy: ProxyHop[] | null }[] {
  const literal = (address: string): string => (address.includes(':') ? `[${address}]` : address);
  const places = addresses.length === 0 ? [host] : addresses;
  return places.map((place) => ({
    place: `${literal(place)}:${port}`,
    proxy: hops.length === 0 ? null : hops.map(hopOption),
  }));
}

/** The URL of a request in absolute form; null for another form, or a scheme that is not ours to fetch. */
function targetOf({ url }: ServerRequest): URL | null {
  if (!/^http:\/\//i.test(url)) return null;
  try {
    return new URL(url);
  } catch {
    return null;
  }
}

/** The fields that are passed on, with `via` behind them. */
function fieldsOf(headers: HeaderView, via: string | null): [string, string][] {
  const nominated = (headers.get('connection') ?? '').toLowerCase().split(',');
  const dropped = new Set(nominated.map((name) => name.trim()).filter((name) => !KEPT.has(name)));
  const fields: [string, string][] = [];
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const isOwn = lower === 'content-length' || (via !== null && SET_ANEW.has(lower));
    if (isOwn || HOP_BY_HOP.has(lower) || dropped.has(lower)) continue;
    fields.push([name, value]);
  }
  if (via !== null) fields.push(['Via', via]);
  return fields;
}

async function relay(answer: ClientResponse, res: ServerResponse, name: string, isHead: boolean): Promise<void> {
  const fields = fieldsOf(answer.headers, `${answer.httpVersion} ${name}`);
  const length = answer.headers.get('content-length');
  if (length !== undefined) fields.push(['Content-Length', length]);
  res.writeHead(answer.status, answer.statusText, fields);
  if (isHead) {
    await answer.dump();
    res.end();
    return;
  }
  try {
    for await (const chunk of answer.body) {
      if (!res.write(chunk)) await res.drained();
      // Leaving the loop ends the exchange.
      if (res.closed) return;
    }
    const trailers = await answer.trailers;
    if (trailers !== null) res.addTrailers(fieldsOf(trailers, null));
    res.end();
  } catch {
    // A body that was cut must not look whole.
    res.destroy();
  }
}

function refuse(res: ServerResponse, failure: Failure): void {
  res.writeHead(failure.status, { 'Proxy-Status': proxyStatus(failure), 'Content-Length': '0' }).end();
}
