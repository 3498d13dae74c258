// Where the checkout is, and what its package.json says.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The absolute path of the checkout. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** The absolute path of something in the checkout. */
export const inRoot = (...parts) => join(root, ...parts);

/** The package.json of the checkout, read anew at each call. */
export const readPackage = () => JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
