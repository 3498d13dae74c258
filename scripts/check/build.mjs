// The addon and dist/ can be made and are current for every later phase.
import { Failure, demand } from './phase.mjs';

export const about = 'npm run build';
export const quick = true;

export async function run({ quick: inAHurry, loud }) {
  const { addonIsCurrent } = await import('../lib/addon.mjs');
  const { typeScriptIsCurrent } = await import('../lib/typescript.mjs');
  // Any profile will do in a hurry; what is released is what the whole check tests.
  const args = inAHurry && !addonIsCurrent('release') ? ['--fast'] : [];
  await demand(process.execPath, ['scripts/build.mjs', ...args], { loud });
  if (!addonIsCurrent()) throw new Failure('the build ended and native/ is not current');
  if (!typeScriptIsCurrent()) throw new Failure('the build ended and dist/ is not current');
}
