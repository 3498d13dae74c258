import type { ServerRequest } from '../request.js';
import type { ServerResponse } from '../response.js';
import { addVary } from '../vary.js';
import { rangeHolds, statusOf } from './conditions.js';
import { contentTypeOf } from './content-type.js';
import type { Found } from './find-file.js';
import { MultipartRanges } from './multipart-ranges.js';
import type { StaticValues } from './options.js';
import { rangesOf } from './ranges.js';
import { refuse } from './refuse.js';
import { validatorsOf } from './validators.js';

/** Answers with an open file: whole, in part, or not at all where the client has it. May close the file. */
export async function sendFile(
  req: ServerRequest,
  res: ServerResponse,
  file: Found,
  options: StaticValues,
): Promise<void> {
  const { headers } = req;
  const size = Number(file.stats.size);
  const validators = validatorsOf(file.stats, options.etag, options.lastModified, Date.now());
  const type = await contentTypeOf(file.name);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Accept-Ranges', 'bytes');
  if (options.maxAge !== null && res.getHeader('cache-control') === undefined) {
    res.setHeader('Cache-Control', `public, max-age=${options.maxAge}${options.immutable ? ', immutable' : ''}`);
  }
  if (validators.etag !== undefined) res.setHeader('ETag', validators.etag);
  if (validators.lastModified !== undefined) res.setHeader('Last-Modified', validators.lastModified);
  if (options.precompressed.length > 0) addVary(res, 'Accept-Encoding');
  (options.setHeaders as ((...args: unknown[]) => void) | null)?.(res, file.path, file.stats);

  const status = statusOf(headers, validators);
  if (status === 304) {
    res.statusCode = 304;
    res.end();
    return;
  }
  if (status === 412) return refuse(res, 412, 'The file is not the one that was meant.');

  if (res.getHeader('content-type') === undefined) res.setHeader('Content-Type', type);
  if (file.coding !== undefined) res.setHeader('Content-Encoding', file.coding);
  const range = headers.get('range');
  // Range is defined for GET alone (RFC 9110 §14.2).
  const asked = range !== undefined && req.method === 'GET' && rangeHolds(headers, validators);
  const ranges = asked ? rangesOf(range, size) : 'ignored';
  if (ranges === 'unsatisfiable') {
    res.removeHeader('content-encoding');
    res.setHeader('Content-Range', `bytes */${size}`);
    return refuse(res, 416, 'The file has no such part.');
  }
  await sendBody(res, file, size, ranges);
}

async function sendBody(
  res: ServerResponse,
  { source }: Found,
  size: number,
  ranges: ReturnType<typeof rangesOf>,
): Promise<void> {
  if (typeof ranges === 'string') {
    res.setHeader('Content-Length', size);
    return res.send({ file: source, start: 0, end: size });
  }
  res.statusCode = 206;
  if (ranges.length > 1) {
    const parts = new MultipartRanges(ranges, size, String(res.getHeader('content-type')));
    res.setHeader('Content-Type', parts.type);
    res.setHeader('Content-Length', parts.length);
    return res.send(parts.chunks(source));
  }
  const [{ start, end }] = ranges;
  res.setHeader('Content-Range', `bytes ${start}-${end - 1}/${size}`);
  res.setHeader('Content-Length', end - start);
  await res.send({ file: source, start, end });
}
