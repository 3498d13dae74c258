import { CookieJar } from 'tough-cookie';

import { MillraceError, setLevel, setLogger } from '../../ts/index.js';
import type { LogRecord } from '../../ts/index.js';
import { Cookies } from '../../ts/client/cookies.js';

const at = (url: string): URL => new URL(url);

describe('with tough-cookie', () => {
  const jarOf = async (url: string, ...lines: string[]): Promise<{ jar: CookieJar; cookies: Cookies }> => {
    const jar = new CookieJar();
    const cookies = new Cookies(jar);
    await cookies.store(at(url), lines);
    return { jar, cookies };
  };

  test('what an answer sets goes with the next request, to the path and host that it is for', async () => {
    const { cookies } = await jarOf(
      'https://a.test/in',
      'sid=1; Path=/',
      'deep=2; Path=/in',
      'safe=3; Secure; HttpOnly',
    );
    expect(await cookies.header(at('https://a.test/in/x'))).toBe('deep=2; sid=1; safe=3');
    expect(await cookies.header(at('https://a.test/'))).toBe('sid=1; safe=3');
    expect(await cookies.header(at('http://a.test/'))).toBe('sid=1');
    expect(await cookies.header(at('https://www.a.test/'))).toBeUndefined();
    expect(await cookies.header(at('https://b.test/'))).toBeUndefined();
  });

  test('a cookie for the domain goes to its subdomains, and none is taken for another site or a public suffix', async () => {
    const { cookies } = await jarOf(
      'https://www.example.com/',
      'all=1; Domain=example.com',
      'other=2; Domain=other.com',
      'wide=3; Domain=com',
    );
    expect(await cookies.header(at('https://api.example.com/'))).toBe('all=1');
    expect(await cookies.header(at('https://other.com/'))).toBeUndefined();
    expect(await cookies.header(at('https://elsewhere.com/'))).toBeUndefined();
  });

  test('of one name the last counts, and Max-Age=0 takes it out', async () => {
    const { cookies } = await jarOf('http://a.test/', 'x=1', 'x=2', 'y=1', 'y=gone; Max-Age=0', 'x=3');
    expect(await cookies.header(at('http://a.test/'))).toBe('x=3');
  });

  test('lines that are no cookies are left out, and those beside them are taken', async () => {
    const { cookies } = await jarOf('http://a.test/', '', '=', ' = ; Path=/', '; Path=/', 'ok=1', 'bare');
    expect(await cookies.header(at('http://a.test/'))).toBe('ok=1; bare');
  });

  test('an own Cookie field comes first', async () => {
    const { cookies } = await jarOf('http://a.test/', 'jar=1');
    expect(await cookies.header(at('http://a.test/'), 'own=1')).toBe('own=1; jar=1');
    expect(await cookies.header(at('http://b.test/'), 'own=1')).toBe('own=1');
    expect(await cookies.header(at('http://a.test/'), '')).toBe('jar=1');
  });
});

describe('with another jar', () => {
  test('one that answers without promises is answered for without promises', () => {
    const seen: unknown[] = [];
    const cookies = new Cookies({
      getCookieString: (url: string) => (url.includes('a.test') ? 'x=1' : ''),
      setCookie: (...call: unknown[]) => seen.push(call),
    });
    expect(cookies.header(at('http://a.test/'))).toBe('x=1');
    expect(cookies.header(at('http://b.test/'))).toBeUndefined();
    expect(cookies.store(at('http://a.test/'), ['p=1', 'q=2'])).toBeUndefined();
    expect(seen).toEqual([
      ['p=1', 'http://a.test/', { ignoreError: true, loose: true }],
      ['q=2', 'http://a.test/', { ignoreError: true, loose: true }],
    ]);
  });

  test('it is told the URL without user information and fragment', () => {
    const seen: string[] = [];
    const cookies = new Cookies({
      getCookieString: (url: string) => (seen.push(url), ''),
      setCookie: (_: string, url: string) => seen.push(url),
    });
    void cookies.header(at('http://user:secret@a.test/x?q#there'));
    void cookies.store(at('http://user:secret@a.test/x?q#there'), ['a=b']);
    expect(seen).toEqual(['http://a.test/x?q', 'http://a.test/x?q']);
  });

  test('cookies are given one after the other, though each takes its time', async () => {
    const order: string[] = [];
    const cookies = new Cookies({
      getCookieString: () => '',
      async setCookie(line: string) {
        order.push(`${line} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${line} ends`);
      },
    });
    await cookies.store(at('http://a.test/'), ['a', 'b']);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  test('what it refuses is logged without the cookie, and the next one is given', async () => {
    const records: LogRecord[] = [];
    setLogger((record) => void records.push(record));
    setLevel('debug');
    const given: string[] = [];
    const cookies = new Cookies({
      getCookieString: () => '',
      setCookie(line: string): unknown {
        given.push(line);
        if (line === 'a=secret') throw new TypeError('bad a=secret');
        return line === 'b=secret' ? Promise.reject(new RangeError('bad b=secret')) : undefined;
      },
    });
    await cookies.store(at('http://a.test/'), ['a=secret', 'b=secret', 'c=1']);
    setLogger(null);
    setLevel('warn');
    expect(given).toEqual(['a=secret', 'b=secret', 'c=1']);
    expect(records.map(({ level, component, fields }) => [level, component, fields])).toEqual([
      ['debug', 'client', { error: 'TypeError' }],
      ['debug', 'client', { error: 'RangeError' }],
    ]);
    expect(JSON.stringify(records)).not.toContain('secret');
  });

  test('that cannot say which cookies to send fails the request', async () => {
    const down = new Error('store is down');
    const cookies = new Cookies({ getCookieString: () => Promise.reject(down), setCookie: () => undefined });
    await expect(cookies.header(at('http://a.test/'))).rejects.toBe(down);
  });
});

test.each([[null], [undefined], ['jar'], [{}], [{ getCookieString: () => '' }]])('%p is no jar', (jar) => {
  expect(() => new Cookies(jar)).toThrow(MillraceError);
});
