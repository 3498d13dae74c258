import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { logRecord } from '../log/log.js';

/**
 * A store of cookies that knows which belong to which URL: a `CookieJar` of tough-cookie, or what is shaped like one.
 * Its methods may answer with promises.
 */
export interface CookieJar {
  getCookieString(url: string): string | PromiseLike<string>;
  setCookie(line: string, url: string, options?: { ignoreError?: boolean; loose?: boolean }): unknown;
}

/** A cookie without name and value, which is to be ignored whole (RFC 6265bis §5.6, step 6). */
const EMPTY = /^[ \t]*=?[ \t]*(?:;|$)/;
/** Of tough-cookie: a line that is no cookie is no error, and a value without a name is a cookie, as to browsers. */
const SET_OPTIONS = { ignoreError: true, loose: true } as const;

/** The cookies of a client: which of them a request carries, and what becomes of those that an answer sets. */
export class Cookies {
  readonly #jar: CookieJar;

  constructor(jar: unknown) {
    this.#jar = checkedJar(jar);
  }

  /**
   * The value of Cookie for a request: `own`, the caller's, and then the jar's; undefined for none. A promise where the
   * jar gives one; what the jar fails with is the request's failure.
   */
  header(url: URL, own?: string): string | undefined | Promise<string | undefined> {
    const found = this.#jar.getCookieString(addressOf(url));
    return isPromise(found) ? Promise.resolve(found).then((cookies) => joined(own, cookies)) : joined(own, found);
  }

  /**
   * Gives the jar what the Set-Cookie fields of an answer say, one after the other: of one name, the last counts. What
   * it refuses is left out and logged, without the value, at `debug`: the answer is not the worse for it. A promise only
   * where the jar gives one.
   */
  store(url: URL, lines: readonly string[]): void | Promise<void> {
    const address = addressOf(url);
    for (let place = 0; place < lines.length; place++) {
      const stored = this.set(lines[place], address);
      if (stored !== undefined) return this.storeRest(stored, address, lines.slice(place + 1));
    }
  }

  private async storeRest(first: Promise<void>, address: string, lines: readonly string[]): Promise<void> {
    await first;
    for (const line of lines) await this.set(line, address);
  }

  private set(line: string, address: string): Promise<void> | undefined {
    if (EMPTY.test(line)) return undefined;
    try {
      const answer = this.#jar.setCookie(line, address, SET_OPTIONS);
      return isPromise(answer) ? Promise.resolve(answer).then(() => undefined, refused) : undefined;
    } catch (error) {
      refused(error);
      return undefined;
    }
  }
}

/** The message of a jar may quote the cookie, so it is not told. */
function refused(error: unknown): void {
  const name = error instanceof Error ? error.name : typeof error;
  logRecord('debug', 'client', 'the cookie jar refused a cookie', { error: name });
}

/** Without what is not the server's business, or the jar's. */
function addressOf(url: URL): string {
  if (url.username === '' && url.password === '' && url.hash === '') return url.href;
  const plain = new URL(url);
  plain.username = plain.password = plain.hash = '';
  return plain.href;
}

function joined(own: string | undefined, cookies: string): string | undefined {
  if (own === undefined || own === '') return cookies === '' ? own : cookies;
  return cookies === '' ? own : `${own}; ${cookies}`;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function checkedJar(jar: unknown): CookieJar {
  const { getCookieString, setCookie } = (jar ?? {}) as { getCookieString?: unknown; setCookie?: unknown };
  if (typeof getCookieString === 'function' && typeof setCookie === 'function') return jar as CookieJar;
  const message = `option 'jar' must be a CookieJar with getCookieString and setCookie, got ${describeValue(jar)}`;
  throw misuse('MILLRACE_INVALID_ARGUMENT', message);
}
