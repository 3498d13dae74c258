// The native core and its id table, as ts/native has them: for what the public API does not let happen.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const { native } = require('../../../../dist/native/loader.js');
export const { census } = require('../../../../dist/native/events.js');
