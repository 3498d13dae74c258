import { createHash, timingSafeEqual } from 'node:crypto';

/** Who may use a proxy: one user, or a function that knows them. */
export type ProxyAuth =
  { username: string; password: string } | ((username: string, password: string) => boolean | Promise<boolean>);

/** Whether user name and password are right; one that throws says no. */
export type Judge = (username: string, password: string) => Promise<boolean>;

export function judgeOf(auth: ProxyAuth): Judge {
  if (typeof auth === 'function') return async (username, password) => (await auth(username, password)) === true;
  const wanted = digest(auth.username, auth.password);
  // Digests are of one length, and compared in a time that says nothing.
  return (username, password) => Promise.resolve(timingSafeEqual(digest(username, password), wanted));
}

function digest(username: string, password: string): Buffer {
  return createHash('sha256')
    .update(`${Buffer.byteLength(username)}:${username}${password}`)
    .digest();
}

/** User name and password of Basic credentials (RFC 7617 §2), or null where there are none. */
export function basicCredentials(value: string | undefined): { username: string; password: string } | null {
  const encoded = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(value ?? '')?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? null : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
