// A client under measurement: told `run <requests>`, it makes so many with so many in flight and says what it cost.
import { createInterface } from 'node:readline';
import { makeClient } from './clients.mjs';

const [name, url, inFlight, bytes, depth] = process.argv.slice(2);
const request = await makeClient(name, {
  connections: Number(inFlight) / Number(depth),
  pipelining: Number(depth),
  secure: url.startsWith('https:'),
});

async function run(count) {
  let left = count;
  const one = async () => {
    while (left-- > 0) {
      const got = await request(url);
      if (got !== Number(bytes)) throw new Error(`the body has ${got} bytes, not ${bytes}`);
    }
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, one));
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    try {
      const count = Number(line.split(' ')[1]);
      const before = process.cpuUsage();
      const started = performance.now();
      await run(count);
      const { user, system } = process.cpuUsage(before);
      process.stdout.write(`ran ${user / count} ${system / count} ${performance.now() - started}\n`);
    } catch (error) {
      console.error(error);
      process.exit(1);
    }
  })
  .on('close', () => process.exit(0));
process.stdout.write('ready\n');
