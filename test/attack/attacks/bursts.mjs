// One request of any size, in one write.
const MIB = 1 << 20;
const HEAD = 'GET / HTTP/1.1\r\nHost: t\r\n';
const POST = (path) => `POST ${path} HTTP/1.1\r\nHost: t\r\n`;

/** `before`, so many bytes of filling, `after`, as one piece. */
const piece = (before, size, after) =>
  Buffer.concat([Buffer.from(before), Buffer.alloc(size, 'a'), Buffer.from(after)]);

const burst = (name, about, { bytes, bound, gets, counted, options = {}, size = { short: 1, full: 4 }, ...rest }) => ({
  name,
  about,
  options,
  bound,
  size,
  // What a lingering close takes at most where the client never says that it has seen the answer.
  within: 2_000,
  run: (crowd, n) => {
    const whole = bytes();
    return crowd.open(n, (attacker) => attacker.send(whole));
  },
  counted,
  memory: 48,
  gets,
  ...rest,
});

const refused = (limit, status = '4xx') => ({
  counted: (n) => ({ errors: n, limits: { [limit]: n }, responses: { [status]: n } }),
});

export const bursts = [
  burst('head-of-100-mib', 'a field of 100 MiB', {
    bytes: () => piece(`${HEAD}X: `, 100 * MIB, '\r\n\r\n'),
    bound: 'maxHeaderSize',
    gets: '431',
    ...refused('maxHeaderSize'),
  }),
  burst('url-of-100-mib', 'a target of 100 MiB', {
    bytes: () => piece('GET /', 100 * MIB, ' HTTP/1.1\r\nHost: t\r\n\r\n'),
    bound: 'maxUrlSize',
    gets: '414',
    ...refused('maxUrlSize'),
  }),
  burst('fields-100000', '100 000 fields', {
    bytes: () => Buffer.from(`${HEAD}${'a:b\r\n'.repeat(100_000)}\r\n`),
    bound: 'maxHeaderFields',
    gets: '431',
    ...refused('maxHeaderFields'),
  }),
  burst('chunk-extensions', '100 000 extensions of one chunk', {
    bytes: () =>
      Buffer.from(`${POST('/collect')}Transfer-Encoding: chunked\r\n\r\n1${';a=b'.repeat(100_000)}\r\nx\r\n`),
    bound: '4 KiB of chunk extensions',
    gets: '400',
    counted: (n) => ({
      requests: n,
      errors: n,
      limits: { chunkExtensions: n },
      responses: { '1xx': [0, n], '4xx': n },
    }),
  }),
  burst('chunk-extensions-spread', '100 000 chunks with an extension each', {
    bytes: () => Buffer.from(`${POST('/stream')}Transfer-Encoding: chunked\r\n\r\n${'1;a=b\r\nx\r\n'.repeat(100_000)}`),
    bound: '4 KiB of chunk extensions in a body',
    gets: '400',
    counted: (n) => ({
      requests: n,
      errors: n,
      limits: { chunkExtensions: n },
      responses: { '4xx': n },
    }),
  }),
  burst('body-of-64-mib-collected', 'a body of 64 MiB for a handler that wants it whole', {
    bytes: () => piece(`${POST('/collect')}Content-Length: ${64 * MIB}\r\n\r\n`, 64 * MIB, ''),
    bound: 'maxCollectedSize',
    gets: '413',
    counted: (n) => ({
      requests: n,
      errors: n,
      limits: { maxCollectedSize: n },
      responses: { '1xx': n, '4xx': n },
    }),
  }),
  burst('body-of-64-mib-streamed', 'a body of 64 MiB for a handler that takes it as it comes', {
    bytes: () => piece(`${POST('/stream')}Content-Length: ${64 * MIB}\r\nConnection: close\r\n\r\n`, 64 * MIB, ''),
    bound: 'back-pressure',
    gets: '200',
    counted: (n) => ({ requests: n, responses: { '2xx': n } }),
  }),
  burst('body-of-64-mib-unread', 'a body of 64 MiB for a handler that answers without it', {
    bytes: () => piece(`${POST('/ignore')}Content-Length: ${64 * MIB}\r\n\r\n`, 64 * MIB, ''),
    bound: '64 KiB are thrown away, then it is closed',
    gets: '200',
    counted: (n) => ({ requests: n, responses: { '2xx': n } }),
  }),
];
