import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ChannelListener } from 'node:diagnostics_channel';

import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

import { MillraceError } from '../../ts/index.js';
import { isObserved } from '../../ts/client/channels.js';
import type { ExchangeFacts } from '../../ts/client/events.js';
import { ExchangeEvents, UndiciRequest } from '../../ts/client/events.js';
import { Timings } from '../../ts/client/timings.js';
import { publishConnectError, publishConnectOpen, publishConnectStart } from '../../ts/pool/connect-channels.js';
import { parseTraceParent } from '../../ts/log/trace-parent.js';
import { undiciSpans } from '../support/undici-spans.js';

const FACTS: ExchangeFacts = {
  origin: 'https://a.test:8443',
  method: 'POST',
  path: '/p?q=1',
  headers: ['Accept', '*/*', 'User-Agent', 'tests'],
};
const SOCKET = {
  remoteAddress: '192.0.2.7',
  remotePort: 8443,
  localAddress: '192.0.2.1',
  localPort: 50_000,
  alpnProtocol: 'http/1.1',
};

/** What is published to channels of these prefixes while the function runs: `[name, message]`. */
function heard(names: string[], run: () => void): [string, Record<string, unknown>][] {
  const messages: [string, Record<string, unknown>][] = [];
  const listeners = names.map((name): [string, ChannelListener] => [
    name,
    (message) => void messages.push([name, message as Record<string, unknown>]),
  ]);
  for (const [name, listener] of listeners) subscribe(name, listener);
  try {
    run();
  } finally {
    for (const [name, listener] of listeners) unsubscribe(name, listener);
  }
  return messages;
}

const UNDICI = ['create', 'bodyChunkSent', 'bodySent', 'headers', 'bodyChunkReceived', 'trailers', 'error']
  .map((name) => `undici:request:${name}`)
  .concat('undici:client:sendHeaders');
const OURS = ['start', 'headers', 'finish', 'error'].map((name) => `millrace:client:request:${name}`);

function wholeExchange(): void {
  const events = ExchangeEvents.begin(FACTS);
  events?.sent(() => 'POST /p?q=1 HTTP/1.1\r\n\r\n', SOCKET);
  events?.bodyChunkSent('abc');
  events?.bodySent();
  events?.answered(200, 'OK', ['Content-Type', 'text/plain', 'X', '\xe9']);
  events?.bodyChunkReceived(Buffer.from('d'));
  events?.finished(['T', 'v'], new Timings());
  events?.failed(new Error('too late'));
}

test('where nobody listens there is no event, no object and no text of a head', () => {
  expect(isObserved()).toBe(false);
  expect(ExchangeEvents.begin(FACTS)).toBeNull();
  const unwanted = (): never => {
    throw new Error('made for nobody');
  };
  publishConnectStart(unwanted);
  publishConnectOpen(unwanted, unwanted);
  publishConnectError(unwanted, new Error('x'));
  const others = heard(['undici:request:create'], () => {
    ExchangeEvents.begin(FACTS)?.sent(unwanted, SOCKET);
  });
  expect(others).toHaveLength(1);
});

test.each([...UNDICI, ...OURS])('one listener, to %s, is enough to be heard', (name) => {
  expect(heard([name], () => expect(isObserved()).toBe(true))).toEqual([]);
});

test("undici's channels tell of an exchange in undici's order and shape", () => {
  const messages = heard(UNDICI, wholeExchange);
  expect(messages.map(([name]) => name.replace(/^undici:/, ''))).toEqual([
    'request:create',
    'client:sendHeaders',
    'request:bodyChunkSent',
    'request:bodySent',
    'request:headers',
    'request:bodyChunkReceived',
    'request:trailers',
  ]);
  const { request } = messages[0][1] as { request: UndiciRequest };
  for (const [, message] of messages) expect(message['request']).toBe(request);
  expect(request).toMatchObject({
    origin: 'https://a.test:8443',
    protocol: 'https:',
    method: 'POST',
    path: '/p?q=1',
    headers: ['Accept', '*/*', 'User-Agent', 'tests'],
    idempotent: false,
    upgrade: null,
    completed: true,
    aborted: false,
  });
  expect(messages[1][1]).toMatchObject({ headers: 'POST /p?q=1 HTTP/1.1\r\n\r\n', socket: SOCKET });
  expect(messages[2][1]).toMatchObject({ chunk: 'abc' });
  expect(messages[4][1]['response']).toEqual({
    statusCode: 200,
    statusText: 'OK',
    headers: ['Content-Type', 'text/plain', 'X', '\xe9'].map((text) => Buffer.from(text, 'latin1')),
  });
  expect(messages[6][1]['trailers']).toEqual([Buffer.from('T'), Buffer.from('v')]);
});

test('our channels tell the same', () => {
  const messages = heard(OURS, wholeExchange);
  expect(messages.map(([name]) => name)).toEqual(OURS.slice(0, 3));
  expect(messages[1][1]).toMatchObject({ status: 200, headers: ['Content-Type', 'text/plain', 'X', '\xe9'] });
  expect(messages[2][1]).toMatchObject({ status: 200, timings: expect.any(Timings) as Timings });
});

test('an exchange ends once: a failure is told, and nothing after it', () => {
  const error = new MillraceError('MILLRACE_CONNECTION_RESET');
  const messages = heard([...UNDICI, ...OURS], () => {
    const events = ExchangeEvents.begin(FACTS);
    events?.failed(error);
    events?.failed(new Error('again'));
    events?.finished([], new Timings());
  });
  expect(messages.map(([name]) => name)).toEqual([
    'undici:request:create',
    'millrace:client:request:start',
    'undici:request:error',
    'millrace:client:request:error',
  ]);
  expect(messages[2][1]['error']).toBe(error);
  expect(messages[2][1]['request']).toMatchObject({ aborted: true, completed: false });
});

test('what a subscriber adds is in the list that the head is made of, and the caller’s list stays as it was', () => {
  const add: ChannelListener = (message) => {
    const { request } = message as { request: UndiciRequest };
    request.addHeader('traceparent', '00-x').addHeader('X', '1');
    request.headers.push('pushed', '2');
  };
  subscribe('undici:request:create', add);
  const events = ExchangeEvents.begin(FACTS);
  unsubscribe('undici:request:create', add);
  expect(events?.request.headers).toEqual([...FACTS.headers, 'traceparent', '00-x', 'X', '1', 'pushed', '2']);
  expect(FACTS.headers).toHaveLength(4);
});

test('the request has undici’s getters, and takes no field that would split a head', () => {
  const request = new UndiciRequest(
    { ...FACTS, headers: ['HOST', 'h', 'Content-Length', '7', 'content-type', 'a/b'] },
    true,
    null,
  );
  expect([request.host, request.contentLength, request.contentType]).toEqual(['h', 7, 'a/b']);
  for (const [name, value] of [
    ['a b', 'x'],
    ['', 'x'],
    ['a', 'x\r\ny: z'],
    ['a', '\0'],
    ['a', '\u20ac'],
  ]) {
    expect(() => request.addHeader(name, value)).toThrow(MillraceError);
  }
  expect(request.headers).toHaveLength(6);
});

test('connections are told of under both names', () => {
  const params = {
    host: 'a.test:8443',
    hostname: 'a.test',
    protocol: 'https:',
    port: '8443',
    servername: 'a.test',
    localAddress: null,
    version: 'h1',
  };
  const error = new Error('refused');
  const names = ['undici:client:beforeConnect', 'undici:client:connected', 'undici:client:connectError'];
  const ours = ['start', 'open', 'error'].map((name) => `millrace:client:connect:${name}`);
  const messages = heard([...names, ...ours], () => {
    publishConnectStart(() => params);
    publishConnectOpen(
      () => params,
      () => SOCKET,
    );
    publishConnectError(() => params, error);
  });
  expect(messages.map(([name]) => name)).toEqual([names[0], ours[0], names[1], ours[1], names[2], ours[2]]);
  for (const [, message] of messages) expect(message['connectParams']).toBe(params);
  expect([messages[2][1]['socket'], messages[3][1]['socket']]).toEqual([SOCKET, SOCKET]);
  expect([messages[4][1]['error'], messages[5][1]['error']]).toEqual([error, error]);
});

describe("OpenTelemetry's instrumentation of undici", () => {
  const { exporter, provider } = undiciSpans({
    headersToSpanAttributes: { requestHeaders: ['accept'], responseHeaders: ['content-type'] },
  });

  test('makes a span of our exchange and puts its traceparent into our head', () => {
    const parent = provider.getTracer('test').startSpan('parent');
    const events = context.with(trace.setSpan(context.active(), parent), () => ExchangeEvents.begin(FACTS));
    const added = events?.request.headers.slice(FACTS.headers.length) ?? [];
    events?.sent(() => '', SOCKET);
    events?.answered(404, 'Not Found', ['Content-Type', 'text/plain']);
    events?.finished([], new Timings());
    const [span] = exporter.getFinishedSpans();
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.spanContext().traceId).toBe(parent.spanContext().traceId);
    expect(added[0]).toBe('traceparent');
    expect(parseTraceParent(added[1])).toMatchObject({
      traceId: span.spanContext().traceId,
      parentId: span.spanContext().spanId,
    });
    expect(span.attributes).toMatchObject({
      'http.request.method': 'POST',
      'url.full': 'https://a.test:8443/p?q=1',
      'url.scheme': 'https',
      'server.address': 'a.test',
      'server.port': 8443,
      'user_agent.original': 'tests',
      'network.peer.address': '192.0.2.7',
      'network.peer.port': 8443,
      'http.response.status_code': 404,
      'http.request.header.accept': ['*/*'],
      'http.response.header.content-type': ['text/plain'],
    });
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
  });

  test('has the code of our error as the type of its own', () => {
    ExchangeEvents.begin(FACTS)?.failed(new MillraceError('MILLRACE_CONNECT_TIMEOUT'));
    const [span] = exporter.getFinishedSpans();
    expect(span.attributes['error.type']).toBe('MILLRACE_CONNECT_TIMEOUT');
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
  });
});
