// The program with a `handler`.
import { URLSearchParams } from 'node:url';
import { attend } from '../attend.mjs';
import { millrace } from '../millrace.mjs';
import * as model from './model.mjs';
import { middleware } from './ours-middleware.mjs';
import { router } from './router.mjs';

function json(res, value, status = 200) {
  res.statusCode = status;
  res.setHeader('Content-Type', model.JSON_TYPE);
  res.end(JSON.stringify(value));
}

async function postOrder(req, res) {
  let given;
  try {
    given = await req.json();
  } catch (error) {
    if (error instanceof SyntaxError) return json(res, model.MALFORMED, 400);
    throw error;
  }
  const order = model.makeOrder(given);
  if (order === null) return json(res, model.NO_LINES, 422);
  res.setHeader('Location', `/api/orders/${order.id}`);
  json(res, order, 201);
}

const find = router([
  ['GET', '/health', (req, res) => json(res, { ok: true })],
  ['GET', '/api/users/:user', (req, res, { user }) => json(res, model.user(user))],
  [
    'GET',
    '/api/users/:user/orders/:order',
    (req, res, { user, order }) =>
      json(res, model.order(user, order, new URLSearchParams(req.query).get('currency') ?? undefined)),
  ],
  ['POST', '/api/orders', postOrder],
  [
    'GET',
    '/api/files/:name',
    (req, res) => {
      res.setHeader('Content-Type', model.BYTES_TYPE);
      res.end(model.FILE);
    },
  ],
  ['POST', '/api/files/:name', async (req, res, { name }) => json(res, model.stored(name, (await req.bytes()).length))],
  [
    'DELETE',
    '/api/files/:name',
    (req, res) => {
      res.statusCode = 204;
      res.end();
    },
  ],
]);

function handler(req, res) {
  const route = find(req.method, req.path);
  if (route === null) return json(res, model.NOT_FOUND, 404);
  return route.handle(req, res, route.params);
}

const { serve } = millrace();
const server = await serve({ port: 0, host: '127.0.0.1', maxBodySize: model.BODY_LIMIT, middleware, handler });
attend(server.port);
