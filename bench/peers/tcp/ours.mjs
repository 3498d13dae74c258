// Raw connections by `listen`, with the same handlers.
import { serveTraffic } from '../../load/tcp-protocol.mjs';
import { attend } from '../attend.mjs';
import { millrace } from '../millrace.mjs';

const listener = await millrace().listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, serveTraffic);
attend(listener.port);
