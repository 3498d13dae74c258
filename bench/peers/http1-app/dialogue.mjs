// What every program must answer before it is measured, field by field: nobody is measured for less work.
import { ask } from '../ask.mjs';
import * as model from './model.mjs';

/** The fields that the measured requests have, as a browser behind a balancer sends them. */
export const FIELDS = {
  Authorization: model.AUTHORIZATION,
  Origin: model.ORIGIN,
  'X-Request-Id': '0b6c7a52-91d4-4a3e',
  Accept: 'application/json',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
};

const { order: _order, user: _user, ...given } = model.order('u7', 'o9', 'EUR');
/** The JSON that is posted, as text. */
export const POSTED = JSON.stringify({ user: 'u7', ...given, note: 'Please ring twice. '.repeat(10) });

const json = { 'Content-Type': 'application/json' };
const bytes = { 'Content-Type': model.BYTES_TYPE };

// [request, { headers, body, without }, status, answer: a value for JSON, a Buffer, or null for none; further fields]
const ROWS = [
  ['GET /health', {}, 200, { ok: true }],
  ['GET /api/users/u7', {}, 200, model.user('u7')],
  ['GET /api/users/u%2F7', {}, 200, model.user('u/7')],
  ['GET /api/users/u7/orders/o9?currency=EUR', {}, 200, model.order('u7', 'o9', 'EUR')],
  ['GET /api/users/u7/orders/o9?currency=%C2%A5&x=1', {}, 200, model.order('u7', 'o9', '¥')],
  ['GET /api/users/u7/orders/o9', {}, 200, model.order('u7', 'o9', undefined)],
  [
    'POST /api/orders',
    { headers: json, body: POSTED },
    201,
    model.makeOrder(JSON.parse(POSTED)),
    { location: '/api/orders/o-1' },
  ],
  ['POST /api/orders', { headers: json, body: '{"lines":[]}' }, 422, model.NO_LINES],
  ['POST /api/orders', { headers: json, body: '{"lines":[' }, 400, model.MALFORMED],
  ['GET /api/files/a.bin', {}, 200, model.FILE],
  [
    'POST /api/files/a.bin',
    { headers: bytes, body: Buffer.alloc(model.FILE_BYTES, 1) },
    200,
    model.stored('a.bin', model.FILE_BYTES),
  ],
  ['POST /api/files/a.bin', { headers: bytes, body: Buffer.alloc(model.BODY_LIMIT + 1) }, 413],
  ['DELETE /api/files/a.bin', {}, 204, null],
  ['GET /api/nothing', {}, 404, model.NOT_FOUND],
  ['GET /api/users/u7/orders', {}, 404, model.NOT_FOUND],
  ['POST /health', { headers: json, body: '{}' }, 404, model.NOT_FOUND],
  ['GET /health', { without: ['Authorization'] }, 401, model.UNAUTHORIZED],
  ['GET /api/nothing', { without: ['Authorization'] }, 401, model.UNAUTHORIZED],
];

/** How many exchanges the dialogue has: the rows, and one that gives no fields of its own. */
export const EXCHANGES = ROWS.length + 1;

function differences({ status, headers, body }, wantedStatus, wanted, fields) {
  const found = [];
  const compare = (what, value, right) => value !== right && found.push(`${what} ${value} in place of ${right}`);
  compare('status', status, wantedStatus);
  // Each has its own words for what is too large.
  if (wanted === undefined) return found;
  const isBytes = Buffer.isBuffer(wanted);
  // Undefined members are not in JSON.
  const text = wanted === null ? '' : isBytes ? wanted.toString() : JSON.stringify(wanted);
  if (body.toString() !== text) found.push(`other bytes (${body.length} in place of ${Buffer.byteLength(text)})`);
  if (wanted !== null) {
    compare('content-length', headers['content-length'], String(body.length));
    const [type] = (headers['content-type'] ?? '').split(';');
    compare('content-type', type, isBytes ? model.BYTES_TYPE : 'application/json');
  }
  for (const [name, value] of Object.entries(fields)) compare(name, headers[name], value);
  return found;
}

/** Throws unless a program answers every row rightly; there are no remarks. */
export async function verify(server) {
  const everywhere = Object.fromEntries(model.BROWSER_FIELDS.map(([name, value]) => [name.toLowerCase(), value]));
  for (const [line, { headers, body, without = [] }, status, wanted, more] of ROWS) {
    const [method, path] = line.split(' ');
    const sent = Object.fromEntries(Object.entries(FIELDS).filter(([name]) => !without.includes(name)));
    const answer = await ask(server.url(path), { method, headers: { ...sent, ...headers }, body });
    const wrong = differences(answer, status, wanted, {
      ...everywhere,
      'x-request-id': FIELDS['X-Request-Id'],
      'access-control-allow-origin': model.ORIGIN,
      vary: 'Origin',
      ...more,
    });
    if (wrong.length) throw new Error(`${server.name} answers ${line} wrongly: ${wrong.join('; ')}`);
  }
  // Without one of its own, a request gets an id, and no stranger is allowed.
  const { headers } = await ask(server.url('/health'), { headers: { Authorization: model.AUTHORIZATION } });
  if (!/^request-\d+$/.test(headers['x-request-id'] ?? '')) throw new Error(`${server.name} makes no X-Request-Id`);
  if (headers['access-control-allow-origin'] !== undefined) throw new Error(`${server.name} allows every Origin`);
  return [];
}
