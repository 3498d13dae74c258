// A case of handshakes: the server's CPU time of a connection with a handshake, one request and its answer.
import { cores } from '../../measure/machine.mjs';
import { cpuBetween, cpuTime, watchOtherWork } from '../../measure/process-facts.mjs';
import { interleaved } from '../../measure/rounds.mjs';
import { openConnections } from '../../measure/s-time.mjs';

/** Several at once, so that a server always has a next one. */
const CLIENTS = 4;
/** Seconds before a server is measured. */
const WARM_SECONDS = 2;

async function load(port, given, seconds) {
  const one = () => openConnections(cores.load, { port, ...given, seconds });
  const all = await Promise.all(Array.from({ length: CLIENTS }, one));
  return {
    connections: all.reduce((sum, { connections }) => sum + connections, 0),
    problems: all.flatMap(({ problems }) => problems),
  };
}

/** Runs the case on the named servers: `resume` or full handshakes, with `suite`. See runLoad for `start` and `verify`. */
export function runHandshakes(names, { resume, suite, start, verify, rounds, seconds, tell }) {
  return interleaved(names, {
    rounds,
    tell,
    fields: ['user', 'system', 'total', 'rate', 'busy'],
    headline: 'total',
    async open(name) {
      const server = await start(name);
      try {
        return { server, problems: await verify(server) };
      } catch (error) {
        await server.stop();
        throw error;
      }
    },
    async round({ port, pids }) {
      await load(port, { resume, suite }, WARM_SECONDS);
      const otherWork = watchOtherWork(pids, cores);
      const before = cpuTime(pids);
      const began = performance.now();
      const { connections, problems } = await load(port, { resume, suite }, seconds);
      const took = performance.now() - began;
      const cpu = cpuBetween(before, cpuTime(pids));
      if (!connections) throw new Error('not one connection was served');
      return {
        user: cpu.user / connections,
        system: cpu.system / connections,
        total: cpu.total / connections,
        rate: (connections / took) * 1e3,
        busy: cpu.total / 1e3 / took,
        problems,
        otherWork: otherWork(),
      };
    },
    close: (server) => server.stop(),
  });
}
