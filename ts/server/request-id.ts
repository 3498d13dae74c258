import { randomBytes } from 'node:crypto';

let prefix: string | undefined;
let count = 0;

/**
 * An id that no other request of any thread or process has: twelve random digits that are this thread's, and a count.
 * It is not a secret.
 */
export function nextRequestId(): string {
  prefix ??= randomBytes(6).toString('hex');
  return `${prefix}-${(++count).toString(36)}`;
}
