// What every program answers, so that all do the same work: a small API behind the middlewares that real ones have.
//
// | request | answer |
// | --- | --- |
// | GET /health | { ok: true } |
// | GET /api/users/:user | the user |
// | GET /api/users/:user/orders/:order?currency= | the order |
// | POST /api/orders | 201, Location, the order that was made of the JSON; 422 when it has no lines |
// | GET /api/files/:name | 64 KiB as application/octet-stream |
// | POST /api/files/:name | the body is collected whole: its name and length |
// | DELETE /api/files/:name | 204 |
// | anything else | 404 with JSON |
//
// Before that, for every request: an X-Request-Id is taken or made and sent back; three fields for browsers are set; a
// known Origin is allowed; without the right Authorization the answer is 401.

export const FILE_BYTES = 65_536;
export const FILE = Buffer.alloc(FILE_BYTES, '0123456789abcdef');
export const JSON_TYPE = 'application/json; charset=utf-8';
export const BYTES_TYPE = 'application/octet-stream';
/** The greatest body that is taken. */
export const BODY_LIMIT = 262_144;

export const ORIGIN = 'https://shop.example';
export const AUTHORIZATION = 'Bearer 5f2d7c61a0b84e93';
export const BROWSER_FIELDS = [
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'no-referrer'],
];

export const NOT_FOUND = { error: 'there is nothing here' };
export const UNAUTHORIZED = { error: 'who are you?' };
export const MALFORMED = { error: 'the body is not JSON' };
export const NO_LINES = { error: 'an order has lines' };

let made = 0;
/** An id for a request that has none. */
export const newId = () => `request-${++made}`;

export const user = (id) => ({ id, name: `User ${id}`, mail: `${id}@shop.example`, active: true });

const LINES = [
  { article: 'lamp', count: 2, price: 1_999 },
  { article: 'table', count: 1, price: 24_900 },
  { article: 'chair', count: 6, price: 7_450 },
];

export const order = (owner, id, currency) => ({
  id,
  user: owner,
  currency,
  total: LINES.reduce((sum, { count, price }) => sum + count * price, 0),
  lines: LINES,
});

/** The order that was made of what a client has sent, or null. */
export function makeOrder({ user: owner, currency, lines }) {
  if (!Array.isArray(lines) || lines.length === 0) return null;
  const total = lines.reduce((sum, { count, price }) => sum + count * price, 0);
  return { id: 'o-1', user: owner, currency, total, lines };
}

export const stored = (name, length) => ({ name, length });
