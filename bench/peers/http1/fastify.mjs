// fastify, without its logger.
import Fastify from 'fastify';
import { BIG, DOCUMENT, TEXT, UPLOAD_BYTES } from './answers.mjs';
import { attend } from '../attend.mjs';

const app = Fastify({ logger: false, bodyLimit: 2 * UPLOAD_BYTES });

app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (request, body, done) => done(null, body));
app.get('/', (request, reply) => {
  reply.type('text/plain').send(TEXT);
});
app.get('/json', (request, reply) => {
  reply.type('application/json').send(JSON.stringify(DOCUMENT));
});
app.post('/upload', (request, reply) => {
  reply.type('text/plain').send(String(request.body.length));
});
app.get('/big', (request, reply) => {
  reply.type('application/octet-stream').send(BIG);
});

await app.listen({ port: 0, host: '127.0.0.1' });
attend(app.server.address().port);
