import type { ServerResponse } from '../response.js';

/** A short answer that no cache keeps as the file: what was prepared of the file's own fields is dropped. */
export function refuse(res: ServerResponse, status: number, text: string): void {
  for (const name of ['etag', 'last-modified', 'cache-control', 'accept-ranges']) res.removeHeader(name);
  res.statusCode = status;
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.end(`${text}\n`);
}
