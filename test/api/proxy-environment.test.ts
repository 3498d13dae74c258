import { proxyFromEnvironment } from '../../ts/proxy/environment.js';
import { NoProxy } from '../../ts/proxy/no-proxy.js';
import { parseProxyUrl } from '../../ts/proxy/proxy-url.js';

const thrown = (run: () => unknown): { code: string; message: string } => {
  try {
    run();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was thrown');
};

describe('the URL of a proxy', () => {
  test.each([
    ['http://proxy', 'http', 'proxy', 80],
    ['http://proxy:80', 'http', 'proxy', 80],
    ['http://proxy:3128/', 'http', 'proxy', 3128],
    ['https://proxy', 'https', 'proxy', 443],
    ['socks4://proxy', 'socks4', 'proxy', 1080],
    ['socks4a://proxy', 'socks4a', 'proxy', 1080],
    ['socks5://proxy', 'socks5', 'proxy', 1080],
    ['socks5h://proxy:9050', 'socks5h', 'proxy', 9050],
    ['SOCKS5://PROXY', 'socks5', 'proxy', 1080],
    ['socks5://[2001:DB8::1]:1', 'socks5', '2001:db8::1', 1],
    ['http://[::1]', 'http', '::1', 80],
    ['socks5://192.0.2.1', 'socks5', '192.0.2.1', 1080],
    ['socks5://0x7f.1', 'socks5', '127.0.0.1', 1080],
    ['socks5://bücher.example', 'socks5', 'xn--bcher-kva.example', 1080],
  ])('%s is read', (url, kind, host, port) => {
    expect(parseProxyUrl(url)).toEqual({ kind, host, port });
    expect(parseProxyUrl(new URL(url))).toEqual({ kind, host, port });
  });

  test.each([
    ['http://u:p@h', 'u', 'p'],
    ['http://u@h', 'u', ''],
    ['http://:p@h', '', 'p'],
    ['socks5://a%40b:c%3Ad%2Fe@h', 'a@b', 'c:d/e'],
    ['socks5://%C3%A9:%25@h', 'é', '%'],
    ['http://é:p w@h', 'é', 'p w'],
    ['socks5://u:p:q@h', 'u', 'p:q'],
  ])('%s has its user information decoded', (url, username, password) => {
    expect(parseProxyUrl(url)).toMatchObject({ username, password });
  });

  test.each([
    'http://u:%@h',
    'http://u:%z1@h',
    'socks5://%4:p@h',
    'socks5://u:100%@h',
    'http://%ff:p@h',
    'http://u:%C3@h',
  ])('%s is percent-encoded wrongly', (url) => {
    expect(thrown(() => parseProxyUrl(url)).code).toBe('MILLRACE_PROXY_URL_ENCODING');
  });

  test.each([
    '',
    'proxy',
    'proxy:3128',
    '//proxy',
    'ftp://proxy',
    'socks://proxy',
    'socks6://proxy',
    'constructor://proxy',
    'http://',
    'socks5://',
    'socks5://u@',
    'socks5://:1080',
    'http://proxy:65536',
    'socks5://proxy:65536',
    'socks5://proxy:0',
    'http://proxy:x',
    'http://proxy/path',
    'socks5://proxy/path',
    'http://proxy?q',
    'http://proxy#f',
    'socks5://a b',
    'socks5://a%20b',
    'socks5:proxy',
    'http://[::1',
  ])('%p is not one', (url) => {
    expect(thrown(() => parseProxyUrl(url))).toMatchObject({ code: 'MILLRACE_PROXY_URL_INVALID' });
    expect(thrown(() => parseProxyUrl(url))).toBeInstanceOf(TypeError);
  });

  test.each([
    'http://user:hunter2@proxy/path',
    'ftp://user:hunter2@h',
    'http://user:hunter2%@h',
    'socks5://user:hunter2@',
  ])('no message quotes the password of %s', (url) => {
    expect(thrown(() => parseProxyUrl(url)).message).not.toContain('hunter2');
  });
});

describe('what is reached without a proxy', () => {
  const rows: [list: string, host: string, port: number, direct: boolean][] = [
    ['', 'a', 80, false],
    [' , ,', 'a', 80, false],
    ['*', 'a', 80, true],
    ['*', '192.0.2.1', 80, true],
    ['*:81', 'a', 80, false],
    ['*:81', 'a', 81, true],
    ['example.com', 'example.com', 80, true],
    ['Example.COM', 'eXample.com.', 80, true],
    ['example.com.', 'example.com', 80, true],
    ['example.com', 'www.example.com', 80, false],
    ['example.com', 'notexample.com', 80, false],
    ['example.com', 'example.com.evil', 80, false],
    ['.example.com', 'www.example.com', 80, true],
    ['.example.com', 'a.b.example.com', 80, true],
    ['.example.com', 'example.com', 80, false],
    ['.example.com', 'notexample.com', 80, false],
    ['*.example.com', 'www.example.com', 80, true],
    ['*.example.com', 'example.com', 80, false],
    ['*.example.com.', 'www.example.com.', 80, true],
    ['a*.example.com', 'ab.example.com', 80, false],
    ['.1', '192.0.2.1', 80, false],
    ['example.com:8443', 'example.com', 8443, true],
    ['example.com:8443', 'example.com', 443, false],
    ['.example.com:8443', 'www.example.com', 8443, true],
    ['.example.com:8443', 'www.example.com', 443, false],
    ['example.com:0', 'example.com', 80, false],
    ['example.com:65536', 'example.com', 80, false],
    ['example.com:x', 'example.com', 80, false],
    ['example.com:', 'example.com', 80, false],
    ['192.0.2.1', '192.0.2.1', 80, true],
    ['192.0.2.1', '192.0.2.11', 80, false],
    ['192.0.2.1:81', '192.0.2.1', 81, true],
    ['192.0.2.1:81', '192.0.2.1', 80, false],
    ['2001:db8::1', '2001:0DB8:0:0::1', 80, true],
    ['[2001:db8::1]', '[2001:db8::1]', 80, true],
    ['[2001:db8::1]:81', '2001:db8::1', 81, true],
    ['[2001:db8::1]:81', '2001:db8::1', 80, false],
    ['::1', '::2', 80, false],
    ['192.0.2.0/24', '192.0.2.255', 80, true],
    ['192.0.2.0/24', '192.0.3.0', 80, false],
    ['192.0.2.77/24', '192.0.2.1', 80, true],
    ['192.0.2.0/24:81', '192.0.2.1', 81, true],
    ['192.0.2.0/24:81', '192.0.2.1', 80, false],
    ['192.0.2.0/24', 'example.com', 80, false],
    ['0.0.0.0/0', '203.0.113.9', 80, true],
    ['192.0.2.1/32', '192.0.2.1', 80, true],
    ['192.0.2.0/33', '192.0.2.1', 80, false],
    ['192.0.2.0/', '192.0.2.1', 80, false],
    ['192.0.2.0/24/8', '192.0.2.1', 80, false],
    ['192.0.2.0/-1', '192.0.2.1', 80, false],
    ['2001:db8::/32', '2001:db8:ffff::1', 80, true],
    ['2001:db8::/32', '2001:db9::1', 80, false],
    ['[2001:db8::]/32:81', '2001:db8::5', 81, true],
    ['2001:db8::/129', '2001:db8::', 80, false],
    ['bücher.example', 'xn--bcher-kva.example', 80, true],
    ['xn--bcher-kva.example', 'bücher.example', 80, true],
    ['BÜCHER.example.', 'bücher.EXAMPLE', 80, true],
    ['bücher.example', 'bucher.example', 80, false],
    ['.bücher.example', 'www.xn--bcher-kva.example', 80, true],
    ['*.bücher.example:81', 'www.bücher.example', 81, true],
    ['*.bücher.example', 'xn--bcher-kva.example', 80, false],
    ['.xn--bcher-kva.example', 'bücher.bücher.example', 80, true],
    ['.рф', 'пример.xn--p1ai', 80, true],
    ['straße.example', 'strasse.example', 80, false],
    ['xn--ü', 'xn--ü', 80, true],
    ['xn--ü', 'xn--', 80, false],
    ['a, b\tc\nd', 'c', 80, true],
    ['a,b', 'ab', 80, false],
  ];
  test.each(rows)('%p and %s:%i: %p', (list, host, port, direct) => {
    expect(new NoProxy(list).matches(host, port)).toBe(direct);
  });
});

describe('the environment', () => {
  const http = { scheme: 'http', host: 'a.example', port: 80 };
  const https = { scheme: 'https', host: 'a.example', port: 443 };
  const proxyOf = (target: typeof http, environment: Record<string, string>, platform?: NodeJS.Platform) => {
    const proxy = proxyFromEnvironment(target, environment, platform ?? 'linux');
    return proxy && `${proxy.kind} ${proxy.host}:${proxy.port}`;
  };

  test.each([
    ['nothing set', http, {}, null],
    ['HTTP_PROXY', http, { HTTP_PROXY: 'http://p:1' }, 'http p:1'],
    ['http_proxy', http, { http_proxy: 'http://p:1' }, 'http p:1'],
    ['both', http, { http_proxy: 'http://low:1', HTTP_PROXY: 'http://up:1' }, 'http low:1'],
    ['an empty one before a full one', http, { http_proxy: ' ', HTTP_PROXY: 'http://up:1' }, 'http up:1'],
    ['HTTPS_PROXY for http', http, { HTTPS_PROXY: 'http://p:1' }, null],
    ['HTTP_PROXY for https', https, { HTTP_PROXY: 'http://p:1' }, null],
    ['HTTPS_PROXY', https, { HTTPS_PROXY: 'https://p' }, 'https p:443'],
    ['https_proxy', https, { https_proxy: 'socks5h://p' }, 'socks5h p:1080'],
    ['ALL_PROXY', https, { ALL_PROXY: 'socks5://p' }, 'socks5 p:1080'],
    ['all_proxy', http, { all_proxy: 'socks4a://p' }, 'socks4a p:1080'],
    ['its own before ALL_PROXY', http, { ALL_PROXY: 'socks5://p', HTTP_PROXY: 'http://own:1' }, 'http own:1'],
    ['a WebSocket', { ...http, scheme: 'ws' }, { HTTP_PROXY: 'http://p:1' }, 'http p:1'],
    ['a WebSocket over TLS', { ...https, scheme: 'wss' }, { HTTPS_PROXY: 'http://p:1' }, 'http p:1'],
    [
      'a bare connection',
      { ...http, scheme: 'tcp' },
      { HTTP_PROXY: 'http://p:1', ALL_PROXY: 'socks5://q' },
      'socks5 q:1080',
    ],
    ['no scheme', http, { HTTP_PROXY: 'p:3128' }, 'http p:3128'],
    ['NO_PROXY', http, { HTTP_PROXY: 'http://p:1', NO_PROXY: '.example' }, null],
    ['no_proxy', http, { HTTP_PROXY: 'http://p:1', no_proxy: 'a.example' }, null],
    ['no_proxy before NO_PROXY', http, { HTTP_PROXY: 'http://p:1', no_proxy: 'b', NO_PROXY: '*' }, 'http p:1'],
    ['NO_PROXY for ALL_PROXY', https, { ALL_PROXY: 'socks5://p', NO_PROXY: '*' }, null],
    ['NO_PROXY at another port', https, { ALL_PROXY: 'socks5://p', NO_PROXY: 'a.example:80' }, 'socks5 p:1080'],
  ])('%s', (_name, target, environment, expected) => {
    expect(proxyOf(target, environment as Record<string, string>)).toBe(expected);
  });

  test('HTTP_PROXY is ignored in a CGI program, where a client can set it', () => {
    const cgi = { REQUEST_METHOD: 'GET', HTTP_PROXY: 'http://evil:1' };
    expect(proxyOf(http, cgi)).toBeNull();
    expect(proxyOf(http, { ...cgi, http_proxy: 'http://own:1' })).toBe('http own:1');
    expect(proxyOf(http, { ...cgi, ALL_PROXY: 'socks5://own' })).toBe('socks5 own:1080');
    expect(proxyOf(https, { ...cgi, HTTPS_PROXY: 'http://own:1' })).toBe('http own:1');
  });

  test('on Windows, where names have no case, a CGI program ignores http_proxy too', () => {
    const cgi = { REQUEST_METHOD: '', http_proxy: 'http://evil:1', HTTP_PROXY: 'http://evil:1' };
    expect(proxyOf(http, cgi, 'win32')).toBeNull();
  });

  test('a URL in it that is none is an error and not a way round the proxy', () => {
    expect(thrown(() => proxyFromEnvironment(http, { HTTP_PROXY: 'ftp://p' })).code).toBe('MILLRACE_PROXY_URL_INVALID');
  });
});
