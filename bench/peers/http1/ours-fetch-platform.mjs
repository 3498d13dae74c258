// Ours with a `fetch` handler that answers with the platform's Response.
import { attend } from '../attend.mjs';
import { fetchHandler } from './fetch-handler.mjs';
import { millrace } from '../millrace.mjs';

const server = await millrace().serve({ port: 0, host: '127.0.0.1', fetch: fetchHandler(globalThis.Response) });
attend(server.port);
