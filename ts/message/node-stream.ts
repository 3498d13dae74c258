/** `node:stream`, loaded when first asked for: a server that streams nothing starts a tenth sooner without it. */
export function nodeStream(): typeof import('node:stream') {
  return process.getBuiltinModule('node:stream');
}
