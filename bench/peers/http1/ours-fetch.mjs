// Ours with a `fetch` handler that answers with our own lazy Response.
import { attend } from '../attend.mjs';
import { fetchHandler } from './fetch-handler.mjs';
import { millrace } from '../millrace.mjs';

const { serve, Response } = millrace();
const server = await serve({ port: 0, host: '127.0.0.1', fetch: fetchHandler(Response) });
attend(server.port);
