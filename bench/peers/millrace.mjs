// The package under test: dist/index.js of this checkout, or the file that MILLRACE_DIST names.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const path = resolve(process.env.MILLRACE_DIST ?? fileURLToPath(new URL('../../dist/index.js', import.meta.url)));

/** Why the package cannot be measured, or null. */
export const missing = () => (existsSync(path) ? null : `${path} is not there: run npm run build`);

/** The package's exports. */
export const millrace = () => createRequire(import.meta.url)(path);
