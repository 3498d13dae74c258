// The program in fastify, without its logger, with the schemas of answers that its manual recommends for speed.
import Fastify from 'fastify';
import { attend } from '../attend.mjs';
import * as model from './model.mjs';

const text = { type: 'string' };
const number = { type: 'number' };
const object = (properties) => ({ type: 'object', properties });
const line = object({ article: text, count: number, price: number });
const order = object({ id: text, user: text, currency: text, total: number, lines: { type: 'array', items: line } });
const answers = (status, schema) => ({ schema: { response: { [status]: schema } } });

const app = Fastify({ logger: false, bodyLimit: model.BODY_LIMIT });
app.addContentTypeParser(model.BYTES_TYPE, { parseAs: 'buffer' }, (request, body, done) => done(null, body));

app.addHook('onRequest', (request, reply, done) => {
  reply.header('X-Request-Id', request.headers['x-request-id'] ?? model.newId());
  done();
});
app.addHook('onRequest', (request, reply, done) => {
  for (const [name, value] of model.BROWSER_FIELDS) reply.header(name, value);
  done();
});
app.addHook('onRequest', (request, reply, done) => {
  if (request.headers.origin === model.ORIGIN) {
    reply.header('Access-Control-Allow-Origin', model.ORIGIN).header('Vary', 'Origin');
  }
  done();
});
app.addHook('onRequest', (request, reply, done) => {
  if (request.headers.authorization === model.AUTHORIZATION) done();
  else reply.code(401).send(model.UNAUTHORIZED);
});

app.get('/health', (request, reply) => {
  reply.send({ ok: true });
});
const user = object({ id: text, name: text, mail: text, active: { type: 'boolean' } });
app.get('/api/users/:user', answers(200, user), (request, reply) => {
  reply.send(model.user(request.params.user));
});
app.get('/api/users/:user/orders/:order', answers(200, order), (request, reply) => {
  reply.send(model.order(request.params.user, request.params.order, request.query.currency));
});
app.post('/api/orders', answers(201, order), (request, reply) => {
  const made = model.makeOrder(request.body);
  if (made === null) reply.code(422).send(model.NO_LINES);
  else reply.code(201).header('Location', `/api/orders/${made.id}`).send(made);
});
app.get('/api/files/:name', (request, reply) => {
  reply.type(model.BYTES_TYPE).send(model.FILE);
});
app.post('/api/files/:name', answers(200, object({ name: text, length: number })), (request, reply) => {
  reply.send(model.stored(request.params.name, request.body.length));
});
app.delete('/api/files/:name', (request, reply) => {
  reply.code(204).send();
});

app.setNotFoundHandler((request, reply) => {
  reply.code(404).send(model.NOT_FOUND);
});
app.setErrorHandler((error, request, reply) => {
  if (error.statusCode === 400) reply.code(400).send(model.MALFORMED);
  else reply.send(error);
});

await app.listen({ port: 0, host: '127.0.0.1' });
attend(app.server.address().port);
