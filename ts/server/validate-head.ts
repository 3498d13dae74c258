import type { TlsFacts } from '../tls/tls-facts.js';
import { describeValue } from '../errors/escape.js';
import { misuse, outOfRange } from '../errors/millrace-error.js';
import type { HeadersInput } from '../message/head-text.js';
import { entriesOf } from '../message/head-text.js';
import { COUNTERS } from '../metrics/catalogue.generated.js';
import { native } from '../native/loader.js';
import type { Socket } from '../net/socket.js';
import type { HeaderView } from '../message/header-view.js';
import type { ServerResponse } from './response.js';

const REFUSALS = COUNTERS.findIndex(({ key }) => key === 'millrace_http_server_validate_refusals_total');

/** The head of a request, without its body. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly query: string;
  readonly httpVersion: '1.0' | '1.1';
  readonly headers: HeaderView;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly tls: TlsFacts | null;
}

/** How a request is refused. */
export interface Refusal {
  readonly status: number;
  readonly headers?: HeadersInput;
}

/** Answers with nothing to accept a request, else with the status to refuse it with. It must decide at once. */
export type Validate = (head: RequestHead) => void | number | Refusal;

/**
 * What `validate` says of a head; undefined: accepted. Whatever is neither an acceptance nor a refusal is thrown as
 * misuse, a promise too: a check that was forgotten to be awaited must not let everybody in.
 */
export function judge(validate: Validate, head: RequestHead): Refusal | undefined {
  const verdict: unknown = validate(head);
  if (verdict === undefined) return undefined;
  const refusal = typeof verdict === 'number' ? { status: verdict } : verdict;
  if (typeof refusal !== 'object' || refusal === null || typeof (refusal as Refusal).status !== 'number') {
    const expected = 'nothing, a status or { status, headers }';
    throw misuse('MILLRACE_INVALID_ARGUMENT', `validate must answer with ${expected}, got ${describeValue(verdict)}`);
  }
  const { status } = refusal as Refusal;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw outOfRange(`validate must refuse with a status from 200 to 599, got ${describeValue(status)}`);
  }
  native.count(REFUSALS, 1);
  return refusal as Refusal;
}

/** Sends the refusal. Nobody sees the body: the core skips a short one and closes on a long one. */
export function refuse({ status, headers }: Refusal, res: ServerResponse): void {
  res.statusCode = status;
  for (const [name, value] of headers === undefined ? [] : entriesOf(headers)) res.appendHeader(name, value);
  res.end();
}

/** The same on a connection that an Upgrade or CONNECT has made raw already. */
export function refuseTunnel({ status, headers }: Refusal, socket: Socket): void {
  // Checked as any other head: a value cannot begin a line. How the message ends is not theirs to say.
  let fields = '';
  for (const [name, value] of headers === undefined ? [] : entriesOf(headers)) {
    if (!/^(?:connection|content-length|transfer-encoding)$/i.test(name)) fields += `${name}: ${value}\r\n`;
  }
  // RFC 9112 §4: the reason phrase may be empty.
  const head = `HTTP/1.1 ${status} \r\n${fields}Connection: close\r\nContent-Length: 0\r\n\r\n`;
  socket.write(Buffer.from(head, 'latin1'));
  void socket.close();
}
