// What a script that runs the package needs: the addon, of any profile, and dist/, made of the present sources.
import { addonIsCurrent, buildAddon } from './addon.mjs';
import { prepare } from './setup.mjs';
import { buildTypeScript } from './typescript.mjs';

/** Builds what is missing or old. */
export async function bringUpToDate() {
  const compiles = !addonIsCurrent();
  prepare({ compiles });
  if (compiles) buildAddon();
  await buildTypeScript();
}
