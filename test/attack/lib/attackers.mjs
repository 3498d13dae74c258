// What attacks: our own load, or another's program.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Child } from './child.mjs';
import { now } from './clock.mjs';
import { buildWire } from './wire.mjs';

/** The attackers of one of our attacks. */
export function launchLoad(attack, port) {
  const args = [attack.name, String(port), String(attack.count), JSON.stringify(attack.options)];
  const child = new Child('load.mjs', args, { within: attack.wire ? ['unshare', '--net'] : [] });
  return {
    poll() {
      if (child.isGone) throw new Error(`the attackers have ended: ${child.said}`);
      const message = child.poll();
      if (message?.what !== 'ready') return message;
      buildWire(child.pid);
      child.process.send('go');
      return undefined;
    },
    stop: async () => (await child.ask('stop')).seen,
    end: () => child.end(),
  };
}

/** A program that attacks. Its clock starts when the last of its connections was accepted. */
export function launchTool(attack, path, port) {
  const child = spawn(path, attack.args(port, attack.count, attack.seconds), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const ended = once(child, 'close');
  process.once('exit', () => child.kill('SIGKILL'));
  let accepted = 0;
  return {
    poll(count) {
      accepted = count;
      if (child.exitCode !== null && count < attack.count) throw new Error(`${attack.tool} has ended: ${said}`);
      return count < attack.count ? undefined : { at: now() };
    },
    async stop() {
      // Its colours stand between the words.
      const away = /service available:[^YN]*NO/.test(said);
      return {
        connections: [accepted, Infinity],
        statuses: {},
        complaint: away ? `${attack.tool} found the server away` : undefined,
      };
    },
    async end() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}
