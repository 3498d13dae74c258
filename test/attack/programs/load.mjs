// The attackers, in a process of their own. Arguments: the attack, the port, how many, and its options as JSON.
import { once } from 'node:events';
import { attackNamed } from '../attacks/index.mjs';
import { now } from '../lib/clock.mjs';
import { Crowd } from '../lib/crowd.mjs';

const [name, port, size, options] = process.argv.slice(2);
const crowd = new Crowd(Number(port));

const attack = attackNamed(name);
if (attack.wire) {
  // Its wire is built now.
  process.send({ what: 'ready' });
  await once(process, 'message');
}
process.on('message', () => {
  const seen = crowd.seen();
  crowd.destroy();
  process.send({ what: 'over', seen }, () => process.disconnect());
});
process.on('disconnect', () => process.exit());
// From the moment that this resolves the configured time counts for the last of them.
await attack.run(crowd, Number(size), JSON.parse(options));
process.send({ what: 'pressed', at: now() });
