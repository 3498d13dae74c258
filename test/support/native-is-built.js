// Jest's global setup: without the addon each test would fail with the same message; say it once.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

module.exports = function nativeIsBuilt() {
  if (!existsSync(join(__dirname, '../../native/index.js'))) {
    throw new Error('the native core is not built: run npm run build (or npm test, which does it)');
  }
};
