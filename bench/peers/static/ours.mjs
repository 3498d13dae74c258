// Ours: serveStatic as the handler of `serve`. The argument is the folder.
import { attend } from '../attend.mjs';
import { millrace } from '../millrace.mjs';

const { serve, serveStatic } = millrace();
const server = await serve({ port: 0, host: '127.0.0.1', handler: serveStatic(process.argv[2]) });
attend(server.port);
