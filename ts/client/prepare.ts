import { misuse } from '../errors/millrace-error.js';
import type { HeadersInput } from '../message/head-text.js';
import { entriesOf } from '../message/head-text.js';
import type { BodyInput } from '../message/outgoing-body.js';
import { native } from '../native/loader.js';
import { isObserved } from './channels.js';
import { acceptEncoding } from './content-coding.js';
import type { RequestTarget } from './destination.js';
import { ExchangeEvents } from './events.js';
import type { FieldsText } from './fields.js';
import { fieldsText, NO_FIELDS } from './fields.js';
import { isIdempotent, methodNumber } from './method.js';
import type { Prepared } from './prepared.js';
import { RequestBody } from './request-body.js';
import { RequestMemory } from './request-memory.js';
import type { RequestOptions } from './request-options.js';
import type { Upgraded } from './request-exchange.js';
import type { Settings } from './settings.js';
import { traceFields } from './trace-fields.js';

/** What else there is to an exchange. */
export interface HopExtras {
  /** Fields beside the caller's: of the jar, of authentication. */
  readonly more: string;
  readonly onUpgrade?: ((upgraded: Upgraded) => void) | undefined;
  /** Somebody wants to hear of 1xx responses, whatever the options say. */
  readonly informational?: boolean;
  /** Whether anybody listens to what happens to requests, where that was asked already. */
  readonly observed?: boolean;
}

export const NO_EXTRAS: HopExtras = { more: '' };
export const UNOBSERVED: HopExtras = { more: '', observed: false };
export const INFORMED: HopExtras = { more: '', informational: true };
const TEXT = 'text/plain;charset=UTF-8';

/** What a request is sent with: text or bytes as they were given, or a body that was sorted. */
export type SentBody = string | Uint8Array | RequestBody | undefined;

/** A body that needs no sorting: text or bytes. */
export function plainBody(body: BodyInput | undefined): body is string | Uint8Array | null | undefined {
  return body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array;
}

/** Everything about a request that the native core is told, checked. */
export function prepare(
  { destination, target: path, userinfo }: RequestTarget,
  options: RequestOptions,
  sent: SentBody,
  { more, onUpgrade, informational = false, observed = isObserved() }: HopExtras,
  decompress: boolean,
): Prepared {
  const { settings, authority } = destination;
  const { values } = settings;
  const body = sent instanceof RequestBody ? sent : undefined;
  const given = sent instanceof RequestBody ? undefined : sent;
  const times = settings.times.of(options.timeouts);
  const method = options.method ?? 'GET';
  const target = options.query === undefined ? path : withQuery(path, options.query);
  const own = options.headers === undefined ? NO_FIELDS : fieldsText(options.headers);
  const replaces = own.text !== '' && settings.fields.text !== '' && repeats(settings, options.headers as HeadersInput);
  let fields = 0;
  let block: string | undefined;
  if (own.host || own.agent || own.codings || observed || replaces) {
    block = usualFields(settings, authority, decompress, own, replaces ? options.headers : undefined) + own.text;
  } else {
    const which = decompress ? 1 : 0;
    fields = destination.fields[which] ?? 0;
    if (fields === 0) {
      const text = usualFields(settings, authority, decompress, own);
      fields = destination.fields[which] = native.rememberFields(text);
      if (fields === 0) block = text;
    }
    if (own.text !== '') block = (block ?? '') + own.text;
  }
  let whole = given ?? body?.whole;
  let stream: Prepared['stream'] = whole === undefined ? body : undefined;
  const type = typeof given === 'string' ? TEXT : body?.type;
  let brought = type !== undefined && !own.type && !settings.fields.type ? `Content-Type\0${type}\0` : '';
  if (stream !== undefined && body?.length !== undefined && !own.length) brought += `Content-Length\0${body.length}\0`;
  if (userinfo !== '' && !more.startsWith('Authorization\0')) brought += basic(userinfo);
  const expects = options.expectContinue ?? values.expectContinue ?? 0;
  const waits = expects > 0 && (stream !== undefined || (whole !== undefined && whole.length > 0));
  const maxMemory =
    options.maxMemoryPerRequest !== undefined ? options.maxMemoryPerRequest : values.maxMemoryPerRequest;
  const memory = maxMemory === null ? null : new RequestMemory(maxMemory);
  if (whole !== undefined) memory?.take(Buffer.byteLength(whole));
  if (waits) {
    brought += 'Expect\x00100-continue\0';
    if (whole !== undefined) {
      if (!own.length) brought += `Content-Length\0${Buffer.byteLength(whole)}\0`;
      stream = onlyOf(whole);
      whole = undefined;
    }
  }
  if (brought !== '' || more !== '') block = (block ?? '') + brought + more;
  const idempotent = options.idempotent ?? values.idempotent ?? isIdempotent(method);
  const traced = (options.traceparent ?? values.traceparent) && !own.trace && !settings.fields.trace;
  let events: ExchangeEvents | null = null;
  if (observed) {
    const headers = (block ?? '').split('\0').slice(0, -1);
    events = ExchangeEvents.begin({ origin: destination.origin, method, path: target, headers, idempotent });
  }
  if (events !== null) {
    const list = events.request.headers;
    // A subscriber that traces has added its own.
    if (traced && !list.some((text, place) => place % 2 === 0 && text.toLowerCase() === 'traceparent')) {
      list.push(...traceFields().split('\0').slice(0, -1));
    }
    block = list.map((part) => `${part}\0`).join('');
  } else if (traced) {
    const trace = traceFields();
    if (trace !== '') block = (block ?? '') + trace;
  }
  return {
    destination,
    method,
    methodNumber: methodNumber(method),
    target,
    fields,
    block,
    profile: times.profile,
    body: whole,
    stream,
    idempotent,
    pipelining: values.pipelining,
    informational: informational || options.onInformational !== undefined || values.onInformational !== null,
    upgrade: onUpgrade !== undefined,
    expectContinue: waits ? expects : 0,
    acquireTimeout: times.values.acquire,
    totalTimeout: times.total,
    connectTimeouts: times.connect,
    signal: options.signal,
    memory,
    events,
  };
}

/** Whether a request has fields of the same name as one that each request has. */
function repeats({ fieldNames }: Settings, headers: HeadersInput): boolean {
  for (const [name] of entriesOf(headers)) if (fieldNames.has(name.toLowerCase())) return true;
  return false;
}

/** The fields that each request to an origin has, where the caller does not give them. */
function usualFields(
  { fields: all, values }: Settings,
  authority: string,
  decompress: boolean,
  own: FieldsText,
  over?: HeadersInput,
): string {
  let text = own.host || all.host ? '' : `Host\0${authority}\0`;
  if (!own.agent && !all.agent) text += 'User-Agent\0millrace\0';
  if (decompress && !own.codings && !all.codings) text += `Accept-Encoding\0${acceptEncoding()}\0`;
  if (over === undefined) return text + all.text;
  const names = new Set<string>();
  for (const [name] of entriesOf(over)) names.add(name.toLowerCase());
  for (const [name, value] of entriesOf(values.headers as HeadersInput)) {
    if (!names.has(name.toLowerCase())) text += `${name}\0${value}\0`;
  }
  return text;
}

/** Path and query with parameters added. */
export function withQuery(target: string, query: Record<string, string | number | boolean>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw misuse(
        'MILLRACE_INVALID_ARGUMENT',
        `request: a value of option 'query' must be text or a number, got ${typeof value}`,
      );
    }
    params.append(name, String(value));
  }
  const text = params.toString();
  if (text === '') return target;
  return target + (target.includes('?') ? '&' : '?') + text;
}

function onlyOf(whole: string | Uint8Array): NonNullable<Prepared['stream']> {
  return {
    isReplayable: true,
    async *open() {
      yield await Promise.resolve(whole);
    },
  };
}

/** RFC 7617, of a URL's user information. */
function basic(userinfo: string): string {
  let text = userinfo;
  try {
    text = decodeURIComponent(userinfo);
  } catch {
    // as it stands
  }
  return `Authorization\0Basic ${Buffer.from(text, 'utf8').toString('base64')}\0`;
}
