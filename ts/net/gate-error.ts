import { quote } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import type { NativeGate } from '../native/binding.js';

/** The native core says that something is none; which, is found here. */
export function gateError(code: number, lists: Pick<NativeGate, 'allow' | 'deny' | 'trustProxy'>): Error {
  for (const name of ['allow', 'deny', 'trustProxy'] as const) {
    for (const text of lists[name]) {
      if (isNetwork(text)) continue;
      const expected = 'addresses and networks such as "192.0.2.1" or "2001:db8::/32"';
      return misuse('MILLRACE_INVALID_ARGUMENT', `option ${quote(name)} must hold ${expected}, got ${quote(text)}`);
    }
  }
  return errorFromNative(code);
}

function isNetwork(text: string): boolean {
  const [address = '', bits, more] = text.split('/');
  const family = process.getBuiltinModule('node:net').isIP(address);
  if (family === 0 || more !== undefined) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
