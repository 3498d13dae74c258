// A case of one large body: the server's CPU time per gigabyte, moved by one connection at a time.
import { fileURLToPath } from 'node:url';
import { Dialogue } from '../measure/dialogue.mjs';
import { cores } from '../measure/machine.mjs';
import { cpuBetween, cpuTime, watchOtherWork } from '../measure/process-facts.mjs';
import { interleaved } from '../measure/rounds.mjs';

const reader = fileURLToPath(new URL('../load/download.mjs', import.meta.url));
const LIMIT_MS = 60_000;

/**
 * Downloads a path of the named servers, once unmeasured, then once a round. See runLoad for `start` and `verify`.
 *
 * In place of the download, `client(server)` gives the arguments of another program of bench/load that speaks as it
 * does, and `first` what it is told before the rounds instead of `again`.
 */
export function runVolume(names, { path, client: program, first = 'again', start, verify, rounds, tell }) {
  const argsFor = program ?? ((server) => [reader, String(server.port), path]);
  const move = async (client, word) => {
    client.say(word);
    const [bytes, took] = (await client.hear('read', LIMIT_MS)).split(' ').map(Number);
    return { bytes, took };
  };
  return interleaved(names, {
    rounds,
    tell,
    fields: ['user', 'system', 'total', 'rate', 'busy'],
    headline: 'total',
    async open(name) {
      const server = await start(name);
      const client = new Dialogue(cores.load, process.execPath, argsFor(server));
      const stop = async () => {
        await client.stop();
        await server.stop();
      };
      try {
        const problems = await verify(server);
        await move(client, first);
        return { server: { ...server, client, stop }, problems };
      } catch (error) {
        await stop();
        throw error;
      }
    },
    async round({ pids, client }) {
      const otherWork = watchOtherWork(pids, cores, [client.pid]);
      const before = cpuTime(pids);
      const { bytes, took } = await move(client, 'again');
      const cpu = cpuBetween(before, cpuTime(pids));
      // Milliseconds per gigabyte, and megabytes per second.
      const each = (micros) => micros / 1e3 / (bytes / 1e9);
      return {
        user: each(cpu.user),
        system: each(cpu.system),
        total: each(cpu.total),
        rate: bytes / 1e3 / took,
        busy: cpu.total / 1e3 / took,
        problems: [],
        otherWork: otherWork(),
      };
    },
    close: (server) => server.stop(),
  });
}
