import { quote } from '../errors/escape.js';
import { isFieldText } from '../message/grammar.js';
import { HeaderView } from '../message/header-view.js';

/**
 * What the core found wrong with a head, with trailers, or with what they go with: it says no more than that something is,
 * and names and values of fields were checked where they were set.
 */
export function whatIsWrong(head: string, reason: string, trailers: string): string {
  if (!isFieldText(reason)) return `statusMessage has a character that is not allowed there: ${quote(reason)}`;
  const fields = new HeaderView(head);
  const lengths = fields.getAll('content-length');
  if (lengths.some((length) => !/^\d{1,15}$/.test(length)) || new Set(lengths).size > 1) {
    return `Content-Length must be one number of bytes, got ${lengths.map((length) => quote(length)).join(', ')}`;
  }
  const codings = fields.getAll('transfer-encoding');
  if (codings.length > 0) {
    const got = codings.map((coding) => quote(coding)).join(', ');
    return `Transfer-Encoding is set as the body needs it, and no other coding than chunked is applied, got ${got}`;
  }
  const late = new HeaderView(trailers).raw.filter((_, place) => place % 2 === 0);
  if (late.length > 0) {
    const names = late.map((name) => quote(name)).join(', ');
    return `a field of framing, routing, authentication or content must not follow the body (RFC 9110 §6.5.1): ${names}`;
  }
  const length = lengths.length > 0 ? `, or of another length than Content-Length ${lengths[0]}` : '';
  return `the response cannot be sent so: its body is not what its status and fields announce${length}`;
}
