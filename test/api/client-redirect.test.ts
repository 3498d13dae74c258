import { MillraceError } from '../../ts/index.js';
import { MAX_REDIRECTS, nextRequest } from '../../ts/client/redirect.js';
import type { NextRequest, RedirectedRequest, RedirectMode } from '../../ts/client/redirect.js';

const FROM = 'http://a.test/dir/page?q#frag';

interface Asked {
  mode?: RedirectMode;
  from?: string;
  method?: string;
  body?: RedirectedRequest['body'];
  headers?: [string, string][];
  status?: number;
  to?: string;
  maxRedirects?: number;
  followed?: number;
}

function redirected(asked: Asked): NextRequest | null {
  const mode = asked.mode ?? 'client';
  return nextRequest(
    {
      method: asked.method ?? 'GET',
      url: new URL(asked.from ?? FROM),
      headers: asked.headers ?? [],
      body: asked.body ?? 'none',
    },
    { status: asked.status ?? 302, location: 'to' in asked ? asked.to : '/next' },
    { mode, maxRedirects: asked.maxRedirects ?? MAX_REDIRECTS[mode], followed: asked.followed ?? 0 },
  );
}

/** The code of the error, or `METHOD` and whether the body goes along. */
function outcome(asked: Asked): string {
  try {
    const next = redirected(asked);
    return next === null ? 'none' : `${next.method}${next.keepBody ? '+body' : ''}`;
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
    return (error as MillraceError).code.replace('MILLRACE_HTTP_', '');
  }
}

describe('method and body', () => {
  // Of each: client and fetch, which differ where a stream was read.
  const ONCE = 'BODY_NOT_REPLAYABLE';
  test.each<[number, string, RedirectedRequest['body'], string, string]>([
    [301, 'GET', 'none', 'GET', 'GET'],
    [301, 'HEAD', 'none', 'HEAD', 'HEAD'],
    [301, 'POST', 'none', 'GET', 'GET'],
    [301, 'POST', 'replayable', 'GET', 'GET'],
    [301, 'POST', 'once', 'GET', ONCE],
    [301, 'PUT', 'replayable', 'PUT+body', 'PUT+body'],
    [301, 'PUT', 'once', ONCE, ONCE],
    [302, 'GET', 'none', 'GET', 'GET'],
    [302, 'POST', 'replayable', 'GET', 'GET'],
    [302, 'POST', 'once', 'GET', ONCE],
    [302, 'PATCH', 'replayable', 'PATCH+body', 'PATCH+body'],
    [302, 'DELETE', 'none', 'DELETE', 'DELETE'],
    [303, 'GET', 'none', 'GET', 'GET'],
    [303, 'GET', 'replayable', 'GET', 'GET'],
    [303, 'HEAD', 'none', 'HEAD', 'HEAD'],
    [303, 'POST', 'replayable', 'GET', 'GET'],
    [303, 'POST', 'once', 'GET', 'GET'],
    [303, 'PUT', 'once', 'GET', 'GET'],
    [303, 'DELETE', 'none', 'GET', 'GET'],
    [303, 'QUERY', 'replayable', 'GET', 'GET'],
    [307, 'GET', 'none', 'GET', 'GET'],
    [307, 'POST', 'none', 'POST', 'POST'],
    [307, 'POST', 'replayable', 'POST+body', 'POST+body'],
    [307, 'POST', 'once', ONCE, ONCE],
    [308, 'POST', 'replayable', 'POST+body', 'POST+body'],
    [308, 'PUT', 'once', ONCE, ONCE],
    [300, 'GET', 'none', 'none', 'none'],
    [304, 'GET', 'none', 'none', 'none'],
    [305, 'GET', 'none', 'none', 'none'],
    [306, 'GET', 'none', 'none', 'none'],
    [200, 'GET', 'none', 'none', 'none'],
    [201, 'POST', 'replayable', 'none', 'none'],
    [400, 'POST', 'replayable', 'none', 'none'],
  ])('%i after %s, body %s: %s; of fetch %s', (status, method, body, client, fetch) => {
    expect(outcome({ status, method, body, mode: 'client' })).toBe(client);
    expect(outcome({ status, method, body, mode: 'fetch' })).toBe(fetch);
  });

  test('without a Location there is nothing to follow', () => {
    expect(outcome({ to: undefined })).toBe('none');
  });
});

describe('the target', () => {
  test.each([
    ['/next', 'http://a.test/next#frag'],
    ['next', 'http://a.test/dir/next#frag'],
    ['../up', 'http://a.test/up#frag'],
    ['../../../up', 'http://a.test/up#frag'],
    ['?other', 'http://a.test/dir/page?other#frag'],
    ['', 'http://a.test/dir/page?q#frag'],
    ['#there', 'http://a.test/dir/page?q#there'],
    ['/next#own', 'http://a.test/next#own'],
    ['//b.test/x', 'http://b.test/x#frag'],
    ['https://b.test', 'https://b.test/#frag'],
    ['http://b.test:80/', 'http://b.test/#frag'],
    ['HTTP://B.TEST/%7e', 'http://b.test/%7e#frag'],
    ['http:\\\\b.test\\x', 'http://b.test/x#frag'],
    [' \t/next\t ', 'http://a.test/next#frag'],
    ['/a b', 'http://a.test/a%20b#frag'],
    ['/caf\xc3\xa9', 'http://a.test/caf%C3%A9#frag'],
    ['/caf\xe9', 'http://a.test/caf%C3%A9#frag'],
    ['http://b\xc3\xbccher.test/', 'http://xn--bcher-kva.test/#frag'],
    ['http://user:secret@a.test/x', 'http://a.test/x#frag'],
    ['http://user:secret@b.test/x', 'http://b.test/x#frag'],
    ['http:b', 'http://a.test/dir/b#frag'],
    ['http://[::1]:8080/', 'http://[::1]:8080/#frag'],
    ['http://2130706433/', 'http://127.0.0.1/#frag'],
  ])('%j is %s', (to, expected) => {
    expect(redirected({ to })?.url.href).toBe(expected);
  });

  test.each(['ftp://a.test/', 'file:///etc/passwd', 'data:,x', 'javascript:1', 'ws://a.test/', 'blob:http://a.test/x'])(
    '%s is no scheme of ours, in either mode',
    (to) => {
      expect(outcome({ to })).toBe('INVALID_REDIRECT');
      expect(outcome({ to, mode: 'fetch' })).toBe('INVALID_REDIRECT');
    },
  );

  test.each(['http://', 'http://a.test:99999/', 'http://[::1', 'http://a b/', 'https://%00/'])(
    '%j is no URL, in either mode',
    (to) => {
      expect(outcome({ to })).toBe('INVALID_REDIRECT');
      expect(outcome({ to, mode: 'fetch' })).toBe('INVALID_REDIRECT');
    },
  );

  test('user information towards another origin is refused by fetch, and its message does not tell it', () => {
    const to = 'http://user:secret@b.test/x';
    expect(outcome({ to, mode: 'fetch' })).toBe('INVALID_REDIRECT');
    expect(() => redirected({ to, mode: 'fetch' })).toThrow(/^(?!.*secret).*user information/);
    expect(redirected({ to: 'http://user:secret@a.test/x', mode: 'fetch' })?.url.href).toBe('http://a.test/x#frag');
  });

  test('user information of the request’s own URL stays within its origin, and the server’s never takes its place', () => {
    const from = 'http://me:mine@a.test/dir/';
    const hrefOf = (to: string): string | undefined => redirected({ from, to })?.url.href;
    expect(hrefOf('/x')).toBe('http://me:mine@a.test/x');
    expect(hrefOf('http://a.test/x')).toBe('http://me:mine@a.test/x');
    expect(hrefOf('http://you:yours@a.test/x')).toBe('http://me:mine@a.test/x');
    expect(hrefOf('//b.test/x')).toBe('http://b.test/x');
    expect(hrefOf('https://a.test/x')).toBe('https://a.test/x');
  });

  test('https to http is refused, but followed by fetch without Referer', () => {
    const asked: Asked = {
      from: 'https://a.test/',
      to: 'http://a.test/',
      headers: [
        ['Referer', 'https://a.test/secret'],
        ['Accept', '*/*'],
      ],
    };
    expect(outcome(asked)).toBe('INSECURE_REDIRECT');
    expect(redirected({ ...asked, mode: 'fetch' })?.headers).toEqual([['Accept', '*/*']]);
    expect(outcome({ ...asked, to: '//b.test/' })).toBe('GET');
    expect(outcome({ ...asked, from: 'http://a.test/', to: 'https://a.test/' })).toBe('GET');
  });
});

describe('fields', () => {
  const headers: [string, string][] = [
    ['Accept', 'text/html'],
    ['AUTHORIZATION', 'Bearer x'],
    ['proxy-authorization', 'Basic x'],
    ['Cookie', 'a=b'],
    ['Host', 'virtual.test'],
    ['Content-Type', 'text/plain'],
    ['content-length', '3'],
    ['Content-Digest', 'sha-256=:x:'],
    ['Transfer-Encoding', 'chunked'],
    ['Expect', '100-continue'],
    ['X-Own', '1'],
    ['X-Own', '2'],
  ];
  const namesOf = (next: NextRequest | null): string[] | undefined => next?.headers.map(([name]) => name.toLowerCase());
  const body = ['content-type', 'content-length', 'content-digest', 'transfer-encoding', 'expect'];
  const origin = ['authorization', 'proxy-authorization', 'cookie', 'host'];
  const without = (...lists: string[][]): string[] =>
    headers.map(([name]) => name.toLowerCase()).filter((name) => !lists.flat().includes(name));

  test.each<[string, Asked, boolean, string[]]>([
    ['the same origin keeps all', { status: 307 }, false, without()],
    ['the same origin by its default port', { status: 307, to: 'http://a.test:80/' }, false, without()],
    ['another host', { status: 307, to: 'http://b.test/' }, true, without(origin)],
    ['a subdomain', { status: 307, to: 'http://www.a.test/' }, true, without(origin)],
    ['another port', { status: 307, to: 'http://a.test:81/' }, true, without(origin)],
    ['another scheme', { status: 307, to: 'https://a.test/' }, true, without(origin)],
    ['a method that became GET', { status: 302 }, false, without(body)],
    ['both', { status: 303, to: 'http://b.test/' }, true, without(body, origin)],
  ])('%s', (_, asked, crossOrigin, expected) => {
    const next = redirected({ method: 'POST', body: 'replayable', headers, ...asked });
    expect(next?.crossOrigin).toBe(crossOrigin);
    expect(namesOf(next)).toEqual(expected);
  });

  test('a GET that stays GET keeps its Content-* fields, unless it had a body that goes', () => {
    expect(namesOf(redirected({ method: 'GET', headers, status: 302 }))).toEqual(without());
    expect(namesOf(redirected({ method: 'GET', headers, status: 303, body: 'replayable' }))).toEqual(without(body));
  });

  test('what was dropped on the way out does not come back on the way home', () => {
    const away = redirected({ method: 'GET', headers, to: 'http://b.test/' }) as NextRequest;
    const home = redirected({ from: away.url.href, headers: away.headers, to: 'http://a.test/' });
    expect(home?.crossOrigin).toBe(true);
    expect(namesOf(home)).toEqual(without(origin));
  });

  test('repeated fields keep their values, order and case, and the given list stays as it was', () => {
    const given = [...headers];
    const next = redirected({ headers: given, to: 'http://b.test/', status: 303, method: 'POST', body: 'replayable' });
    expect(next?.headers).toEqual([
      ['Accept', 'text/html'],
      ['X-Own', '1'],
      ['X-Own', '2'],
    ]);
    expect(given).toEqual(headers);
  });
});

describe('how many', () => {
  test.each<[RedirectMode, number]>([
    ['client', 10],
    ['fetch', 20],
  ])('%s follows %i and refuses the next', (mode, limit) => {
    expect(outcome({ mode, followed: limit - 1 })).toBe('GET');
    expect(() => redirected({ mode, followed: limit })).toThrow(
      expect.objectContaining({
        code: 'MILLRACE_HTTP_TOO_MANY_REDIRECTS',
        limit: { option: 'maxRedirects', value: limit, seen: limit + 1 },
      }) as Error,
    );
  });

  test('a maxRedirects of 0 follows none: the answer is the caller’s', () => {
    expect(outcome({ maxRedirects: 0 })).toBe('none');
    expect(outcome({ maxRedirects: 1 })).toBe('GET');
    expect(outcome({ maxRedirects: 1, followed: 1 })).toBe('TOO_MANY_REDIRECTS');
  });
});
