// The program with a `fetch` handler.
import { URLSearchParams } from 'node:url';
import { attend } from '../attend.mjs';
import { millrace } from '../millrace.mjs';
import * as model from './model.mjs';
import { middleware } from './ours-middleware.mjs';
import { router } from './router.mjs';

const { serve, Response } = millrace();

const json = (value, status = 200, fields = {}) =>
  new Response(JSON.stringify(value), { status, headers: { 'Content-Type': model.JSON_TYPE, ...fields } });

async function postOrder(request) {
  let given;
  try {
    given = await request.json();
  } catch (error) {
    if (error instanceof SyntaxError) return json(model.MALFORMED, 400);
    throw error;
  }
  const order = model.makeOrder(given);
  if (order === null) return json(model.NO_LINES, 422);
  return json(order, 201, { Location: `/api/orders/${order.id}` });
}

const find = router([
  ['GET', '/health', () => json({ ok: true })],
  ['GET', '/api/users/:user', (request, { user }) => json(model.user(user))],
  [
    'GET',
    '/api/users/:user/orders/:order',
    (request, { user, order }, { req }) =>
      json(model.order(user, order, new URLSearchParams(req.query).get('currency') ?? undefined)),
  ],
  ['POST', '/api/orders', postOrder],
  ['GET', '/api/files/:name', () => new Response(model.FILE, { headers: { 'Content-Type': model.BYTES_TYPE } })],
  [
    'POST',
    '/api/files/:name',
    async (request, { name }) => json(model.stored(name, (await request.arrayBuffer()).byteLength)),
  ],
  ['DELETE', '/api/files/:name', () => new Response(null, { status: 204 })],
]);

function fetch(request, info) {
  // info.req.path, because a URL object for each request would be the dearest line of the program.
  const route = find(request.method, info.req.path);
  return route === null ? json(model.NOT_FOUND, 404) : route.handle(request, route.params, info);
}

const server = await serve({ port: 0, host: '127.0.0.1', maxBodySize: model.BODY_LIMIT, middleware, fetch });
attend(server.port);
