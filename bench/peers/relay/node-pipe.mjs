// A relay as programs write it with node:net: two pipes.
import { connect, createServer } from 'node:net';
import { attend } from '../attend.mjs';

const behind = Number(process.argv[2]);

const server = createServer({ noDelay: true, allowHalfOpen: true, backlog: 4_096 }, (near) => {
  const far = connect({ port: behind, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  near.pipe(far);
  far.pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
});
server.listen(0, '127.0.0.1', () => attend(server.address().port));
