// A relay of ours: a listener, a connection, pipeTo.
import { attend } from '../attend.mjs';
import { millrace } from '../millrace.mjs';

const { connect, listen } = millrace();
const behind = Number(process.argv[2]);

const listener = await listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, async (near) => {
  const far = await connect({ host: '127.0.0.1', port: behind });
  near.pipeTo(far).catch(() => undefined);
});
attend(listener.port);
