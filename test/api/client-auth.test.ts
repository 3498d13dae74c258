import { createHash } from 'node:crypto';
import { inspect } from 'node:util';

import { HeaderView, MillraceError } from '../../ts/index.js';
import type { AuthRequest } from '../../ts/client/auth/auth.js';
import { Authenticator } from '../../ts/client/auth/authenticator.js';
import { parseChallenges, parseParams } from '../../ts/client/auth/challenge.js';
import type { Signed } from '../../ts/client/auth/digest.js';
import { digestChallenge, digestResponse, digestSecret } from '../../ts/client/auth/digest.js';

const USER = { username: 'Mufasa', password: 'Circle of Life' };

const requestOf = (url = 'http://a.test/dir/index.html', more: Partial<AuthRequest> = {}): AuthRequest => {
  const parsed = new URL(url);
  return { method: 'GET', url: parsed, target: parsed.pathname + parsed.search, body: null, ...more };
};
const fieldsOf = (name: string, ...values: string[]): HeaderView =>
  new HeaderView(values.map((value) => `${name}\0${value}\0`).join(''));
const asks = (...values: string[]): HeaderView => fieldsOf('WWW-Authenticate', ...values);
/** The parameters of an Authorization by Digest. */
const paramsOf = (value: unknown): Record<string, string> => {
  expect(value).toMatch(/^Digest /);
  return Object.fromEntries(parseChallenges([value as string])[0].params);
};

/** RFC 7616 §3.4 once more, for what the test knows. */
function expected(value: unknown, method: string, { username, password } = USER, body?: string): string {
  const params = paramsOf(value);
  const name = { md5: 'md5', 'sha-256': 'sha256', 'sha-512-256': 'sha512-256' }[
    (params['algorithm'] ?? 'md5').toLowerCase().replace('-sess', '')
  ] as string;
  const h = (...parts: string[]): string => createHash(name).update(parts.join(':')).digest('hex');
  let ha1 = h(username, params['realm'], password);
  if (/-sess$/i.test(params['algorithm'] ?? '')) ha1 = h(ha1, params['nonce'], params['cnonce']);
  const ha2 = params['qop'] === 'auth-int' ? h(method, params['uri'], h(body ?? '')) : h(method, params['uri']);
  if (params['qop'] === undefined) return h(ha1, params['nonce'], ha2);
  return h(ha1, params['nonce'], params['nc'], params['cnonce'], params['qop'], ha2);
}

describe('challenges', () => {
  const shown = (...fields: string[]): string[] =>
    parseChallenges(fields).map(({ scheme, token68, params }) =>
      [scheme, ...(token68 === undefined ? [] : [`<${token68}>`]), ...[...params].map((pair) => pair.join('='))].join(
        ' ',
      ),
    );

  test.each<[string[], string[]]>([
    [[''], []],
    [['Basic'], ['basic']],
    [['Basic realm="a b"'], ['basic realm=a b']],
    [
      ['Basic realm=a', 'Digest realm="b", nonce="c"'],
      ['basic realm=a', 'digest realm=b nonce=c'],
    ],
    [['Basic realm=a, Digest realm="b", nonce="c"'], ['basic realm=a', 'digest realm=b nonce=c']],
    [['Negotiate, NTLM , Basic realm = "x"'], ['negotiate', 'ntlm', 'basic realm=x']],
    [['Negotiate YII==, Basic realm=x'], ['negotiate <YII==>', 'basic realm=x']],
    [['NTLM TlRM=,Basic realm=x'], ['ntlm <TlRM=>', 'basic realm=x']],
    [['Bearer abc, Basic realm=x'], ['bearer <abc>', 'basic realm=x']],
    [['Basic realm="a, Digest b=\\"c\\""'], ['basic realm=a, Digest b="c"']],
    [[',, ,Basic,,realm=a,,'], ['basic realm=a']],
    [['Digest qop="auth,auth-int",nonce=n'], ['digest qop=auth,auth-int nonce=n']],
    [['Basic realm="open'], ['basic']],
    [['Basic realm="x\\'], ['basic']],
    [['Basic realm=, Digest nonce=n'], ['basic <realm=>', 'digest nonce=n']],
    [['Basic realm=@, Digest nonce=n'], ['basic']],
    [
      ['Basic realm=a @', 'Digest nonce=n'],
      ['basic realm=a', 'digest nonce=n'],
    ],
    [['DIGEST Realm=a, REALM=b'], ['digest realm=a']],
    [
      ['Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"'],
      ['newauth realm=apps type=1 title=Login to "apps"', 'basic realm=simple'],
    ],
    [['Digest\trealm=a'], ['digest realm=a']],
    [['=x'], []],
  ])('%j', (fields, challenges) => {
    expect(shown(...fields)).toEqual(challenges);
  });

  test('sixteen of them are read, with sixteen parameters each, and no more', () => {
    expect(shown(Array(17).fill('Basic').join(', '))).toHaveLength(16);
    const params = Array.from({ length: 17 }, (_, place) => `p${place}=v`).join(', ');
    expect(parseChallenges([`Digest ${params}`])[0].params.size).toBe(16);
  });

  test('hostile fields take time in proportion to their length', () => {
    const long = 32_768;
    const began = process.cpuUsage().user;
    for (const piece of ['"', 'a', ' ', ',', '=', 'a ', 'a=', 'a="', '\\"', 'a="\\', 'Basic a,', 'a==,']) {
      parseChallenges([piece.repeat(long / piece.length), `Digest x="${piece.repeat(long / piece.length)}`]);
    }
    expect(process.cpuUsage().user - began).toBeLessThan(2_000_000);
  });

  test('random bytes and splits of fields never throw, and read as they are written', () => {
    const alphabet = ['Basic', 'Digest', 'realm', '=', '"', ' ', ',', '\\', 'x', '\t', '==', '~', '@', '\xff'];
    let seed = 7;
    const random = (below: number): number => (seed = (Math.imul(seed, 48_271) >>> 0) % 2_147_483_647) % below;
    for (let round = 0; round < 3_000; round++) {
      const field = Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join('');
      for (const { scheme, params } of parseChallenges([field])) {
        expect(scheme).toMatch(/^[^\s,="]+$/);
        for (const name of params.keys()) expect(name).toMatch(/^[^\s,="]+$/);
      }
    }
  });

  test('Authentication-Info has parameters alone', () => {
    expect(Object.fromEntries(parseParams(['nextnonce="a b", qop=auth', 'rspauth="0f", nc=00000001']))).toEqual({
      nextnonce: 'a b',
      qop: 'auth',
      rspauth: '0f',
      nc: '00000001',
    });
  });
});

describe('vectors', () => {
  const signed = (field: string, user: typeof USER, nonce: { cnonce: string }): Signed => {
    const challenge = digestChallenge(parseChallenges([field])[0], true);
    if (challenge === undefined) throw new Error('no challenge');
    return {
      challenge,
      secret: digestSecret(challenge, user, nonce.cnonce),
      nonce: challenge.nonce,
      cnonce: nonce.cnonce,
      count: 1,
      target: '/dir/index.html',
      bodyHash: undefined,
    };
  };

  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('of RFC 7616 §3.9.1, %s', (algorithm, response) => {
    const field =
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, ` +
      'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
    const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
    expect(digestResponse(signed(field, USER, { cnonce }), 'GET')).toBe(response);
  });

  test('of RFC 2617 §3.5', () => {
    const field =
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
      'opaque="5ccc069c403ebaf9f0171e9517f40e41"';
    const user = { username: 'Mufasa', password: 'Circle Of Life' };
    expect(digestResponse(signed(field, user, { cnonce: '0a4f113b' }), 'GET')).toBe('6629fae49393a05397450978507c4ef1');
  });

  test('of RFC 2069 §2.4, as its erratum 749 has it', () => {
    const field =
      'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"';
    const user = { username: 'Mufasa', password: 'CircleOfLife' };
    expect(digestResponse(signed(field, user, { cnonce: '' }), 'GET')).toBe('1949323746fe6a43ef61f9606e7febea');
  });

  test('of RFC 7617 §2 and §2.1, Basic', () => {
    const value = (username: string, password: string): unknown =>
      new Authenticator({ type: 'basic', username, password }).header(requestOf());
    expect(value('Aladdin', 'open sesame')).toBe('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
    expect(value('test', '123\u00a3')).toBe('Basic dGVzdDoxMjPCow==');
  });
});

describe('digest', () => {
  const digest = (): Authenticator => new Authenticator({ type: 'digest', ...USER });

  test.each([
    'Digest realm=r, nonce=n',
    'Digest realm=r, nonce=n, algorithm=MD5',
    'Digest realm=r, nonce=n, qop=auth',
    'Digest realm=r, nonce=n, qop="auth-int"',
    'Digest realm=r, nonce=n, qop="auth-int, auth", algorithm=md5-SESS',
    'Digest realm=r, nonce=n, qop=auth, algorithm=SHA-256',
    'Digest realm=r, nonce=n, qop=auth, algorithm=SHA-256-sess',
    'Digest realm=r, nonce=n, qop="AUTH", algorithm=SHA-512-256',
    'Digest realm=r, nonce=n, qop=auth-int, algorithm=SHA-512-256-sess',
    'Digest realm="a \\"b\\" \\\\", nonce="n,=", qop=auth, opaque="o\\"p"',
  ])('%s is answered as RFC 7616 says', async (challenge) => {
    const async = async function* (): AsyncGenerator<string> {
      yield await Promise.resolve('the ');
      yield 'body';
    };
    const request = requestOf('http://a.test/p?q=1', { method: 'POST', body: async });
    const value = await digest().challenge(request, 401, asks(challenge), 1);
    const params = paramsOf(value);
    const given = Object.fromEntries(parseChallenges([challenge])[0].params);
    expect(params).toMatchObject({ username: 'Mufasa', realm: given['realm'], nonce: given['nonce'], uri: '/p?q=1' });
    expect(params['opaque']).toBe(given['opaque']);
    expect(params['algorithm']).toBe(given['algorithm']);
    expect(params['response']).toBe(expected(value, 'POST', USER, 'the body'));
    if (given['qop'] !== undefined) expect(params['nc']).toBe('00000001');
    else expect(Object.keys(params)).not.toEqual(expect.arrayContaining(['nc', 'cnonce', 'qop']));
  });

  test.each([
    'Digest nonce=n, qop=auth',
    'Digest realm=r, qop=auth',
    'Digest realm=r, nonce=n, algorithm=SHA-1',
    'Digest realm=r, nonce=n, algorithm=-sess',
    'Digest realm=r, nonce=n, qop=token',
    'Digest realm=r, nonce=n, algorithm=MD5-sess',
    'Basic realm=r',
    'Bearer realm=r',
    '',
  ])('%j cannot be answered, and the 401 is the caller’s', async (challenge) => {
    expect(await digest().challenge(requestOf(), 401, asks(challenge), 1)).toBeNull();
  });

  test('auth-int needs a body that can be made again, and auth is chosen where both are offered', async () => {
    const once = requestOf('http://a.test/', { method: 'PUT', body: undefined });
    expect(await digest().challenge(once, 401, asks('Digest realm=r, nonce=n, qop="auth-int"'), 1)).toBeNull();
    const both = await digest().challenge(once, 401, asks('Digest realm=r, nonce=n, qop="auth-int,auth"'), 1);
    expect(paramsOf(both)['qop']).toBe('auth');
  });

  test('the next requests are signed unasked, with the count of the nonce', async () => {
    const auth = digest();
    expect(auth.header(requestOf())).toBeUndefined();
    const first = await auth.challenge(requestOf(), 401, asks('Digest realm=r, nonce=n, qop=auth'), 1);
    const counts = [first];
    for (let request = 0; request < 20; request++) counts.push((await auth.header(requestOf('http://a.test/x'))) ?? '');
    expect(counts.map((value) => parseInt(paramsOf(value)['nc'], 16))).toEqual(
      Array.from({ length: 21 }, (_, i) => i + 1),
    );
    expect(counts.map((value) => paramsOf(value)['nc'].length)).toEqual(Array(21).fill(8));
    for (const value of counts) expect(paramsOf(value)['response']).toBe(expected(value, 'GET'));
    expect(auth.header(requestOf('http://b.test/'))).toBeUndefined();
    expect(auth.header(requestOf('https://a.test/'))).toBeUndefined();
    auth.clear();
    expect(auth.header(requestOf())).toBeUndefined();
  });

  test('unasked only within the domain that the server named', async () => {
    const auth = digest();
    const challenge = 'Digest realm=r, nonce=n, qop=auth, domain="/dir http://b.test/ /other/"';
    await auth.challenge(requestOf(), 401, asks(challenge), 1);
    expect(auth.header(requestOf('http://a.test/dir/x'))).toMatch(/^Digest/);
    expect(auth.header(requestOf('http://a.test/other/x'))).toMatch(/^Digest/);
    expect(auth.header(requestOf('http://a.test/x'))).toBeUndefined();
    expect(auth.header(requestOf('http://b.test/x'))).toBeUndefined();
  });

  test('a stale nonce is replaced, once more even after a first answer; a third 401 is the caller’s', async () => {
    const auth = digest();
    const request = requestOf();
    const answers = [];
    for (const attempt of [1, 2, 3]) {
      const challenge = `Digest realm=r, nonce=n${attempt}, qop=auth, stale=TRUE`;
      answers.push(await auth.challenge(request, 401, asks(challenge), attempt));
    }
    expect(answers.map((value) => value && paramsOf(value)['nonce'])).toEqual(['n1', 'n2', null]);
    expect(answers.slice(0, 2).map((value) => paramsOf(value)['nc'])).toEqual(['00000001', '00000001']);
  });

  test('wrong credentials are sent once: a second 401 that is not stale is the caller’s', async () => {
    const auth = digest();
    const request = requestOf();
    expect(await auth.challenge(request, 401, asks('Digest realm=r, nonce=a, qop=auth'), 1)).toMatch(/^Digest/);
    expect(await auth.challenge(request, 401, asks('Digest realm=r, nonce=b, qop=auth'), 2)).toBeNull();
  });

  test('a nonce of before that was refused is answered anew if there is another, not if it is the same', async () => {
    for (const [nonce, answered] of [
      ['b', true],
      ['a', false],
    ] as const) {
      const auth = digest();
      await auth.challenge(requestOf(), 401, asks('Digest realm=r, nonce=a, qop=auth'), 1);
      const request = requestOf();
      expect(auth.header(request)).toMatch(/^Digest/);
      const again = await auth.challenge(request, 401, asks(`Digest realm=r, nonce=${nonce}, qop=auth`), 1);
      expect(again !== null).toBe(answered);
    }
  });

  test('nextnonce is used from then on, its count from 1', async () => {
    const auth = digest();
    const request = requestOf();
    await auth.challenge(request, 401, asks('Digest realm=r, nonce=a, qop=auth, algorithm=SHA-256-sess'), 1);
    const before = paramsOf(auth.header(requestOf()));
    auth.accepted(request, fieldsOf('Authentication-Info', 'nextnonce="b", qop=auth'));
    const value = auth.header(requestOf());
    expect(paramsOf(value)).toMatchObject({ nonce: 'b', nc: '00000001' });
    expect(before).toMatchObject({ nonce: 'a', nc: '00000002' });
    // A session keeps the secret of its first nonce (RFC 7616 §3.4.2).
    const h = (...parts: string[]): string => createHash('sha256').update(parts.join(':')).digest('hex');
    const { cnonce, nc, response } = paramsOf(value);
    const ha1 = h(h(USER.username, 'r', USER.password), 'a', cnonce);
    expect(response).toBe(h(ha1, 'b', nc, cnonce, 'auth', h('GET', '/dir/index.html')));
  });

  test('a right rspauth is accepted, a wrong one is an error', async () => {
    const auth = digest();
    const request = requestOf();
    const value = await auth.challenge(request, 401, asks('Digest realm=r, nonce=a, qop=auth'), 1);
    const proof = expected(value, '');
    auth.accepted(request, fieldsOf('Authentication-Info', `rspauth="${proof}", qop=auth`));
    const second = requestOf();
    auth.header(second);
    expect(() => auth.accepted(second, fieldsOf('Authentication-Info', `rspauth="${proof}", qop=auth`))).toThrow(
      expect.objectContaining({ code: 'MILLRACE_AUTHENTICATION_UNPROVEN' }) as Error,
    );
    const third = requestOf();
    auth.header(third);
    auth.accepted(third, fieldsOf('X-Other', 'rspauth="00"'));
  });

  test('userhash hides the name, and charset=UTF-8 carries one beyond ASCII', async () => {
    const auth = new Authenticator({ type: 'digest', username: 'Ja\u0308so\u0308n Doe', password: 'x' });
    const ask = async (more: string): Promise<string> =>
      (await auth.challenge(requestOf(), 401, asks(`Digest realm=r, nonce=n, qop=auth${more}`), 1)) ?? '';
    expect(await ask(', userhash=true, algorithm=SHA-256')).toContain(
      `username="${createHash('sha256').update('J\u00e4s\u00f6n Doe:r').digest('hex')}"`,
    );
    expect(await ask(', userhash=true')).toContain('userhash=true');
    expect(await ask(', charset=UTF-8')).toContain("username*=UTF-8''J%C3%A4s%C3%B6n%20Doe,");
    expect(await ask('')).toContain('username="J\xc3\xa4s\xc3\xb6n Doe"');
    const value = await ask(', charset=UTF-8');
    expect(paramsOf(value)['response']).toBe(
      expected(value, 'GET', { username: 'J\u00e4s\u00f6n Doe', password: 'x' }),
    );
  });
});

describe('which challenge', () => {
  const MD5 = 'Digest realm=r, nonce=n, qop=auth, algorithm=MD5';
  const SHA256 = 'Digest realm=r, nonce=n, qop=auth, algorithm=SHA-256';
  const SHA512 = 'Digest realm=r, nonce=n, qop=auth, algorithm=SHA-512-256';
  const UNKNOWN = 'Digest realm=r, nonce=n, algorithm=SHA3-512';
  const any = (): Authenticator => new Authenticator({ type: 'any', ...USER });
  const chosen = async (url: string, ...fields: string[]): Promise<string | undefined> => {
    const value = await any().challenge(requestOf(url), 401, asks(...fields), 1);
    return value === null ? 'none' : value.startsWith('Basic') ? 'Basic' : paramsOf(value)['algorithm'];
  };

  test.each([
    [['Basic realm=r', MD5, SHA512, SHA256], 'SHA-512-256', 'SHA-512-256'],
    [[`Basic realm=r, ${MD5}, ${SHA256}`], 'SHA-256', 'SHA-256'],
    [[SHA256, MD5], 'SHA-256', 'SHA-256'],
    [['Negotiate, NTLM', 'Basic realm=r', MD5], 'MD5', 'MD5'],
    [['Negotiate, NTLM, Basic realm=r'], 'Basic', 'Basic'],
    [[UNKNOWN, 'Basic realm=r'], 'none', 'Basic'],
    [['Bearer realm=r'], 'none', 'none'],
  ])('of %j over http: %s, over https: %s', async (fields, http, https) => {
    expect(await chosen('http://a.test/', ...fields)).toBe(http);
    expect(await chosen('https://a.test/', ...fields)).toBe(https);
  });

  test('an origin that once offered Digest gets no Basic over cleartext, whatever it says later', async () => {
    const auth = any();
    expect(await auth.challenge(requestOf(), 401, asks(SHA256), 1)).toMatch(/^Digest/);
    expect(await auth.challenge(requestOf(), 401, asks('Basic realm=r'), 1)).toBeNull();
    expect(await auth.challenge(requestOf('http://b.test/'), 401, asks('Basic realm=r'), 1)).toMatch(/^Basic/);
  });

  test('Basic that was asked for is sent unasked from then on to its path and below, and not again when refused', async () => {
    const auth = any();
    expect(auth.header(requestOf())).toBeUndefined();
    const value = await auth.challenge(requestOf(), 401, asks('Basic realm=r'), 1);
    expect(auth.header(requestOf('http://a.test/dir/other?x'))).toBe(value);
    expect(auth.header(requestOf('http://a.test/elsewhere'))).toBeUndefined();
    expect(await auth.challenge(requestOf(), 401, asks('Basic realm=r'), 1)).toBeNull();
  });

  test.each([['any'], ['digest'], ['basic']])(
    'NTLM or Negotiate alone is refused with its own error: %s',
    async (type) => {
      const auth = new Authenticator({ type, ...USER });
      for (const fields of [['NTLM'], ['Negotiate', 'NTLM'], ['Negotiate YII=']]) {
        await expect(auth.challenge(requestOf(), 401, asks(...fields), 1)).rejects.toMatchObject({
          code: 'MILLRACE_AUTHENTICATION_UNSUPPORTED',
          category: 'application',
        });
      }
      await expect(auth.challenge(requestOf(), 401, asks('Negotiate, NTLM'), 1)).rejects.toThrow(
        /"negotiate" and "ntlm"/,
      );
      expect(await auth.challenge(requestOf(), 403, asks('NTLM'), 1)).toBeNull();
    },
  );
});

describe('other kinds', () => {
  test('Basic and Bearer are sent with every request, and a 401 to them is the caller’s', async () => {
    const basic = new Authenticator({ type: 'basic', username: 'u', password: '' });
    const bearer = new Authenticator({ type: 'bearer', token: 'abc.DEF-_~+/==' });
    expect(basic.header(requestOf())).toBe('Basic dTo=');
    expect(bearer.header(requestOf('https://b.test/'))).toBe('Bearer abc.DEF-_~+/==');
    const both = asks('Basic realm=r', 'Bearer error="invalid_token"', 'Digest realm=r, nonce=n');
    expect(await basic.challenge(requestOf(), 401, both, 1)).toBeNull();
    expect(await bearer.challenge(requestOf(), 401, both, 1)).toBeNull();
  });

  test('a function is asked for each request, and with the challenges for each refusal up to the second', async () => {
    const calls: unknown[] = [];
    const auth = new Authenticator((request: AuthRequest, refusal?: object) => {
      calls.push([request.target, refusal]);
      return Promise.resolve(refusal === undefined ? 'Bearer old' : 'Bearer new');
    });
    const request = requestOf();
    expect(await auth.header(request)).toBe('Bearer old');
    const fields = asks('Bearer error="invalid_token"');
    expect(await auth.challenge(request, 401, fields, 1)).toBe('Bearer new');
    expect(await auth.challenge(request, 401, fields, 2)).toBe('Bearer new');
    expect(await auth.challenge(request, 401, fields, 3)).toBeNull();
    const challenges = [{ scheme: 'bearer', token68: undefined, params: new Map([['error', 'invalid_token']]) }];
    expect(calls).toEqual([
      ['/dir/index.html', undefined],
      ['/dir/index.html', { status: 401, attempt: 1, challenges }],
      ['/dir/index.html', { status: 401, attempt: 2, challenges }],
    ]);
    expect(await new Authenticator(() => undefined).challenge(request, 401, fields, 1)).toBeNull();
  });

  test('of a proxy: 407, Proxy-Authenticate, Proxy-Authorization and Proxy-Authentication-Info', async () => {
    const auth = new Authenticator({ type: 'digest', ...USER }, { proxy: true });
    expect([auth.field, auth.status]).toEqual(['Proxy-Authorization', 407]);
    const request = requestOf('http://proxy.test:8080/', { method: 'CONNECT', target: 'a.test:443' });
    expect(await auth.challenge(request, 401, asks('Digest realm=r, nonce=n, qop=auth'), 1)).toBeNull();
    const fields = fieldsOf('Proxy-Authenticate', 'Digest realm=r, nonce=n, qop=auth, domain="/nowhere"');
    const value = await auth.challenge(request, 407, fields, 1);
    expect(paramsOf(value)).toMatchObject({ uri: 'a.test:443', response: expected(value, 'CONNECT') });
    auth.accepted(request, fieldsOf('Proxy-Authentication-Info', 'nextnonce="m"'));
    expect(paramsOf(auth.header(requestOf('http://proxy.test:8080/')))).toMatchObject({ nonce: 'm', nc: '00000001' });
  });

  test('what is remembered of origins is bounded', async () => {
    const auth = new Authenticator({ type: 'digest', ...USER });
    for (let number = 0; number <= 1_000; number++) {
      await auth.challenge(requestOf(`http://${number}.test/`), 401, asks('Digest realm=r, nonce=n, qop=auth'), 1);
    }
    expect(auth.header(requestOf('http://0.test/'))).toBeUndefined();
    expect(auth.header(requestOf('http://1.test/'))).toMatch(/^Digest/);
  });
});

describe('what a caller gets wrong', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a string', 'user:secret'],
    ['no type', { username: 'u', password: 'secret' }],
    ['an unknown type', { type: 'ntlm', username: 'u', password: 'secret' }],
    ['no password', { type: 'basic', username: 'u' }],
    ['a colon in the name', { type: 'basic', username: 'u:v', password: 'secret' }],
    ['a line break', { type: 'digest', username: 'u', password: 'secret\r\nX: y' }],
    ['a token with a space', { type: 'bearer', token: 'secret secret' }],
    ['an empty token', { type: 'bearer', token: '' }],
    ['a token that is none', { type: 'bearer', token: 7 }],
  ])('%s is refused, and the message tells no secret', (_, auth) => {
    const make = (): unknown => new Authenticator(auth);
    expect(make).toThrow(MillraceError);
    expect(make).toThrow(/^(?![^]*secret)/);
  });

  test('nothing shows a secret: console.log, JSON, its own properties', async () => {
    for (const auth of [
      new Authenticator({ type: 'any', username: 'u', password: 'hush' }),
      new Authenticator({ type: 'basic', username: 'u', password: 'hush' }),
      new Authenticator({ type: 'bearer', token: 'hush' }),
    ]) {
      await auth.challenge(requestOf(), 401, asks('Digest realm=r, nonce=n, qop=auth'), 1);
      const shown = inspect(auth, { depth: 9, showHidden: true }) + JSON.stringify(auth) + Object.values(auth).join();
      expect(shown).not.toMatch(/hush|aHVzaA|dTpodXNo/);
      expect(inspect(auth)).toMatch(/^Authenticator \{"type":"/);
    }
  });
});
