// node scripts/prebuild.mjs [--target TRIPLE]… [--out DIR] [--portable] [--list]: the addon for every platform that this
// machine can compile for. --portable links against an old glibc. A target that was asked for and cannot be made is an error.
import { parseArgs } from 'node:util';
import { compileAddon } from './lib/addon.mjs';
import { PlainError, main } from './lib/command.mjs';
import { crossEnvironment, hostTriple, targets } from './lib/platforms.mjs';
import { inRoot } from './lib/root.mjs';
import { prepare } from './lib/setup.mjs';

await main(() => {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', multiple: true },
      out: { type: 'string', default: inRoot('prebuilds') },
      portable: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  prepare({ compiles: true });
  const all = targets();
  const unknown = (values.target ?? []).filter((triple) => !all.some((each) => each.triple === triple));
  if (unknown.length) throw new PlainError(`not among napi.targets of package.json: ${unknown.join(', ')}`);
  const host = hostTriple();
  let failed = 0;
  for (const { triple, reason } of all) {
    if (values.target && !values.target.includes(triple)) continue;
    if (reason || values.list) {
      console.log(`${triple}: ${reason ? `skipped: ${reason}` : 'can be built'}`);
      if (reason && values.target) failed++;
      continue;
    }
    Object.assign(process.env, crossEnvironment(triple, host));
    const args = values.portable && triple.endsWith('-gnu') ? ['--use-napi-cross'] : [];
    try {
      console.log(`${triple}: ${compileAddon({ target: triple, folder: values.out, args })}`);
    } catch (error) {
      if (!(error instanceof PlainError)) throw error;
      console.log(`${triple}: failed: ${error.message}`);
      failed++;
    }
  }
  if (failed) process.exitCode = 1;
});
