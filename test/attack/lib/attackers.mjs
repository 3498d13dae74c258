// What attacks: our own load, or another's program.
import { Child } from './child.mjs';

/** The attackers of one of our attacks. */
export function launchLoad(attack, size, port) {
  const child = new Child('load.mjs', [attack.name, String(port), String(size), JSON.stringify(attack.options)]);
  return {
    poll() {
      if (child.isGone) throw new Error(`the attackers have ended: ${child.said}`);
      return child.poll();
    },
    stop: async () => (await child.ask('stop')).seen,
    end: () => child.end(),
  };
}
