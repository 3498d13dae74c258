// Raw connections by node:net.
import { createServer } from 'node:net';
import { serveTraffic } from '../../load/tcp-protocol.mjs';
import { attend } from '../attend.mjs';

const server = createServer({ noDelay: true, allowHalfOpen: true, backlog: 4_096 }, serveTraffic);
server.listen(0, '127.0.0.1', () => attend(server.address().port));
