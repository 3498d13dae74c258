import { Peer } from './peer.js';

/** Programs of others; those that a test has started are ended after it. */
export function peers(): { start(program: string | undefined, ...args: readonly string[]): Peer } {
  const started = new Set<Peer>();
  afterEach(() => {
    for (const peer of started) peer.kill();
    started.clear();
  });
  return {
    start(program, ...args) {
      const made = new Peer(program ?? '', args);
      started.add(made);
      return made;
    },
  };
}
