// A case of load: requests, and the server's CPU time for each.
import { cores } from '../measure/machine.mjs';
import { watchOtherWork } from '../measure/process-facts.mjs';
import { interleaved } from '../measure/rounds.mjs';
import { senderOf } from '../measure/sender.mjs';

/**
 * Before a server is measured, compiled code, the heap's generations, pools and caches get their size: by requests, not
 * by time, so that on a machine that does other things too nobody is measured cold.
 */
const WARM_REQUESTS = 5_000;
const WARM_SECONDS = 1;
/** A server that has not had them by then is slow, not cold. */
const WARM_AT_MOST = 6;

async function warmUp(load) {
  for (let times = 0, had = 0; times < WARM_AT_MOST && had < WARM_REQUESTS; times++) {
    had += (await senderOf(load).warm(cores.load, load, WARM_SECONDS)).requests;
  }
}

/**
 * Runs a case on the named servers.
 *
 * - `load`: what measure/sender.mjs sends, with a path in place of the URL; or a function that makes it of a server, once
 *   that has passed its dialogue;
 * - `start(name)`: starts a server; `verify(server)`: throws when its answers are wrong, and gives the remarks about them.
 */
export function runLoad(names, { load, start, verify, rounds, seconds, tell }) {
  return interleaved(names, {
    rounds,
    tell,
    fields: ['user', 'system', 'total', 'rate', 'busy', 'p99'],
    headline: 'total',
    async open(name) {
      const server = await start(name);
      try {
        const problems = await verify(server);
        const { path, ...rest } = typeof load === 'function' ? await load(server) : load;
        return { server: { ...server, load: { ...rest, url: server.url(path) } }, problems };
      } catch (error) {
        await server.stop();
        throw error;
      }
    },
    async round({ load: sent, pids }) {
      // A window whose lead-in is not shortened warms by that.
      const isWindow = sent.script === 'window';
      if (!(isWindow && sent.lead === undefined)) {
        await warmUp(isWindow ? { ...sent, script: 'outcome' } : sent);
      }
      const otherWork = watchOtherWork(pids, cores);
      const row = await senderOf(sent).measure(cores.load, pids, sent, seconds);
      return { ...row, otherWork: otherWork() };
    },
    close: (server) => server.stop(),
  });
}
