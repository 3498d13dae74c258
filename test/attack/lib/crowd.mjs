// Attackers by the hundred, and what they were told.
import { Attacker } from './attacker.mjs';

/** How many are opened at a time: a backlog is not what is under test. */
const AT_ONCE = 256;

export class Crowd {
  #all = [];
  /** Connections that were made and given up without being kept here. */
  passed = 0;

  constructor(port) {
    this.port = port;
  }

  /** One attacker, connected or not. */
  one(options) {
    const attacker = new Attacker(this.port, options);
    this.#all.push(attacker);
    return attacker;
  }

  /** So many attackers, each told what to do once it is connected; resolves when all have done it. */
  async open(count, act, options) {
    for (let begun = 0; begun < count; begun += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - begun) }, () => this.one(options));
      await Promise.all(
        some.map(async (attacker) => {
          if (!(await attacker.connected())) throw new Error(`an attacker could not connect: ${attacker.error}`);
          await act(attacker);
        }),
      );
    }
  }

  /** What was seen: how many got which status first, were shut out, were reset; how many are there at all. */
  seen() {
    const statuses = {};
    for (const { text } of this.#all) {
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 'none';
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    const count = (holds) => this.#all.filter(holds).length;
    return {
      statuses,
      ended: count(({ ended }) => ended),
      reset: count(({ error }) => error !== undefined),
      connections: count(({ wasConnected }) => wasConnected) + this.passed,
    };
  }

  destroy() {
    for (const attacker of this.#all) attacker.destroy();
  }
}
