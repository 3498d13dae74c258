// A case of one large body: the server's CPU time per gigabyte, moved by one connection at a time.
import { fileURLToPath } from 'node:url';
import { Dialogue } from '../measure/dialogue.mjs';
import { CPU_ROUND, PER_GIGABYTE, cpuRound, openedOrStopped } from '../measure/cpu-round.mjs';
import { cores } from '../measure/machine.mjs';
import { interleaved } from '../measure/rounds.mjs';

const reader = fileURLToPath(new URL('../load/download.mjs', import.meta.url));
const LIMIT_MS = 60_000;

/**
 * Downloads a path of the named servers, in each round once unmeasured and once measured. See runLoad for `start` and `verify`.
 *
 * In place of the download, `client(server)` gives the arguments of another program of bench/load that speaks as it
 * does, and `first` what it is told before that instead of `again`.
 */
export function runVolume(names, { path, client: program, first = 'again', start, verify, rounds, tell }) {
  const argsFor = program ?? ((server) => [reader, String(server.port), path]);
  const move = async (client, word) => {
    client.say(word);
    return (await client.hear('read', LIMIT_MS)).split(' ').map(Number);
  };
  return interleaved(names, {
    rounds,
    tell,
    ...CPU_ROUND,
    async open(name) {
      const server = await start(name);
      const client = new Dialogue(cores.load, process.execPath, argsFor(server));
      const stop = async () => {
        await client.stop();
        await server.stop();
      };
      return openedOrStopped({ ...server, client, stop }, async () => {
        const problems = await verify(server);
        await move(client, first);
        return problems;
      });
    },
    round: (server) => cpuRound(server, PER_GIGABYTE, () => move(server.client, 'again')),
    close: (server) => server.stop(),
  });
}
