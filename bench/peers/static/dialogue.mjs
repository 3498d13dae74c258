// What every server must answer before it is measured: nobody is measured for less work.
import { ask } from '../ask.mjs';
import { BLOCK, LARGE_BYTES, MEDIUM, SMALL, settled } from './site.mjs';

async function expect(server, path, options, { status, body, fields = {} }) {
  const { method = 'GET', headers: sent } = options;
  const answer = await ask(server.url(path), options);
  const wrong = [];
  if (answer.status !== status) wrong.push(`status ${answer.status} in place of ${status}`);
  if (body !== undefined && !answer.body.equals(body)) wrong.push(`other bytes (${answer.body.length})`);
  for (const [name, value] of Object.entries(fields)) {
    const found = answer.headers[name];
    if (value instanceof RegExp ? !value.test(found ?? '') : found !== value) wrong.push(`${name} ${found}`);
  }
  const asked = [method, path, JSON.stringify(sent ?? {})].join(' ');
  if (wrong.length) throw new Error(`${server.name} answers ${asked} wrongly: ${wrong.join('; ')}`);
  return answer;
}

/** Throws unless a server answers rightly; there are no remarks. */
export async function verify(server) {
  await settled();
  const none = Buffer.alloc(0);
  for (const [path, body, type] of [
    ['/small.txt', SMALL, /^text\/plain/],
    ['/medium.js', MEDIUM, /javascript/],
  ]) {
    const fields = {
      'content-type': type,
      'content-length': String(body.length),
      'last-modified': 'Sat, 03 Feb 2001 04:05:06 GMT',
      etag: /^(W\/)?".+"$/,
    };
    const { headers } = await expect(server, path, {}, { status: 200, body, fields });
    await expect(server, path, { method: 'HEAD' }, { status: 200, body: none, fields });
    const { etag } = headers;
    await expect(server, path, { headers: { 'If-None-Match': etag } }, { status: 304, body: none, fields: { etag } });
    await expect(server, path, { headers: { 'If-None-Match': '"x"' } }, { status: 200, body });
    const part = { status: 206, body: body.subarray(3, 10), fields: { 'content-range': `bytes 3-9/${body.length}` } };
    await expect(server, path, { headers: { Range: 'bytes=3-9' } }, part);
  }
  await expect(server, '/nothing', {}, { status: 404 });
  const whole = { status: 200, fields: { 'content-length': String(LARGE_BYTES) } };
  await expect(server, '/large.bin', { method: 'HEAD' }, whole);
  const end = { status: 206, body: BLOCK };
  await expect(server, '/large.bin', { headers: { Range: `bytes=${LARGE_BYTES - BLOCK.length}-` } }, end);
  return [];
}

/** The tag that a server gives a file. */
export const tagOf = async (server, path) => (await ask(server.url(path))).headers.etag;
