// The program in express. Its ETag, a digest of each body that nobody else sends here, and X-Powered-By are off.
import express from 'express';
import { attend } from '../attend.mjs';
import * as model from './model.mjs';

const app = express();
app.disable('x-powered-by');
app.disable('etag');

app.use((req, res, next) => {
  res.set('X-Request-Id', req.get('X-Request-Id') ?? model.newId());
  next();
});
app.use((req, res, next) => {
  for (const [name, value] of model.BROWSER_FIELDS) res.set(name, value);
  next();
});
app.use((req, res, next) => {
  if (req.get('Origin') === model.ORIGIN) res.set('Access-Control-Allow-Origin', model.ORIGIN).vary('Origin');
  next();
});
app.use((req, res, next) => {
  if (req.get('Authorization') === model.AUTHORIZATION) next();
  else res.status(401).json(model.UNAUTHORIZED);
});
app.use(express.json({ limit: model.BODY_LIMIT }));
app.use(express.raw({ limit: model.BODY_LIMIT }));

app.get('/health', (req, res) => {
  res.json({ ok: true });
});
app.get('/api/users/:user', (req, res) => {
  res.json(model.user(req.params.user));
});
app.get('/api/users/:user/orders/:order', (req, res) => {
  res.json(model.order(req.params.user, req.params.order, req.query.currency));
});
app.post('/api/orders', (req, res) => {
  const order = model.makeOrder(req.body);
  if (order === null) res.status(422).json(model.NO_LINES);
  else res.status(201).location(`/api/orders/${order.id}`).json(order);
});
app.get('/api/files/:name', (req, res) => {
  res.type(model.BYTES_TYPE).send(model.FILE);
});
app.post('/api/files/:name', (req, res) => {
  res.json(model.stored(req.params.name, req.body.length));
});
app.delete('/api/files/:name', (req, res) => {
  res.status(204).end();
});

app.use((req, res) => {
  res.status(404).json(model.NOT_FOUND);
});
app.use((error, req, res, next) => {
  if (error.type === 'entity.parse.failed') res.status(400).json(model.MALFORMED);
  else next(error);
});

const server = app.listen(0, '127.0.0.1', () => attend(server.address().port));
