// @fastify/static, without the logger. The argument is the folder.
import fastifyStatic from '@fastify/static';
import Fastify from 'fastify';
import { attend } from '../attend.mjs';

const app = Fastify({ logger: false });
app.register(fastifyStatic, { root: process.argv[2] });
await app.listen({ port: 0, host: '127.0.0.1' });
attend(app.server.address().port);
