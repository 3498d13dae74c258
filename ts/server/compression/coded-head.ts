import { acceptedCodings } from '../../message/negotiate-encoding.js';
import type { ServerRequest } from '../request.js';
import type { ServerResponse } from '../response.js';
import { addVary } from '../vary.js';
import type { ContentCoding } from './codings.js';
import type { CompressionSettings } from './options.js';

/** Digests of the bytes as they stand (RFC 9530, and those that it replaces): other bytes would belie them. */
const DIGESTS = ['content-digest', 'repr-digest', 'digest', 'content-md5'];

/**
 * The coding for a response whose head is about to leave, if any; `length` of its body where that is known. Where
 * another client would get another coding, Vary says so (RFC 9110 §12.5.5).
 */
export function chooseCoding(
  req: ServerRequest,
  res: ServerResponse,
  settings: CompressionSettings,
  length: number | undefined,
): ContentCoding | undefined {
  const status = res.statusCode;
  if (status === 304) return weakened(req, res, settings);
  // A part (206) is one of the bytes as they are; a 204 and a 205 have none.
  if (status < 200 || status === 204 || status === 205 || status === 206) return undefined;
  if (length !== undefined && length < settings.threshold) return undefined;
  if (fieldOf(res, 'content-encoding') !== '' || fieldOf(res, 'content-range') !== '') return undefined;
  const type = fieldOf(res, 'content-type').split(';', 1)[0].trim().toLowerCase();
  if (!settings.isCompressible(type)) return undefined;
  // RFC 9111 §5.2.2.6: no-transform is meant for intermediaries; who sets it here means us.
  if (/(?:^|[\s,])no-transform(?:$|[\s,])/i.test(fieldOf(res, 'cache-control'))) return undefined;
  if (DIGESTS.some((name) => fieldOf(res, name) !== '')) return undefined;
  return negotiated(req, res, settings);
}

/** Makes the head that of the coded body. */
export function codeHead(res: ServerResponse, coding: ContentCoding): void {
  res.setHeader('Content-Encoding', coding);
  res.removeHeader('content-length');
  // Ranges are of the bytes as they are: what the client has now cannot be continued by them.
  res.removeHeader('accept-ranges');
  weaken(res);
}

/**
 * A 304 is about what the client has, which may be the coded body with its weakened ETag: a strong one would not match
 * it (RFC 9111 §4.3.4).
 */
function weakened(req: ServerRequest, res: ServerResponse, settings: CompressionSettings): undefined {
  if (fieldOf(res, 'etag') !== '' && negotiated(req, res, settings) !== undefined) weaken(res);
  return undefined;
}

function negotiated(req: ServerRequest, res: ServerResponse, settings: CompressionSettings): ContentCoding | undefined {
  addVary(res, 'Accept-Encoding');
  return acceptedCodings(req.headers.get('accept-encoding'), settings.encodings)[0];
}

/** Coded bytes may differ from one time to the next: they are equal in meaning only (RFC 9110 §8.8.1, §8.8.3.3). */
function weaken(res: ServerResponse): void {
  const tag = fieldOf(res, 'etag');
  if (tag.startsWith('"')) res.setHeader('ETag', `W/${tag}`);
}

function fieldOf(res: ServerResponse, name: string): string {
  const value = res.getHeader(name);
  if (value === undefined) return '';
  return typeof value === 'string' ? value : value.join(', ');
}
