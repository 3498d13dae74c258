import { Interceptors } from '../../ts/client/interceptors.js';
import { deferred } from '../support/condition.js';

type Chain = Interceptors<string, string>;
const chainOf = (): { chain: Chain; sent: string[] } => {
  const sent: string[] = [];
  const chain: Chain = new Interceptors((request) => {
    sent.push(request);
    return Promise.resolve(`answer to ${request}`);
  });
  return { chain, sent };
};

test('without interceptors the innermost function is called, with nothing between', async () => {
  const promise = Promise.resolve('x');
  const chain = new Interceptors<string, string>(() => promise);
  expect(chain.run('r')).toBe(promise);
  expect(await promise).toBe('x');
});

test('the first that was added is outermost, on the way in and on the way out', async () => {
  const { chain, sent } = chainOf();
  for (const name of ['a', 'b', 'c']) chain.use(async (request, next) => `${name}(${await next(request + name)})`);
  expect(await chain.run('r')).toBe('a(b(c(answer to rabc)))');
  expect([sent, chain.size]).toEqual([['rabc'], 3]);
});

test('one may answer by itself, with a value or a promise of one', async () => {
  const { chain, sent } = chainOf();
  chain.use((request, next) => (request === 'cached' ? 'from the cache' : next(request)));
  expect([await chain.run('cached'), await chain.run('other')]).toEqual(['from the cache', 'answer to other']);
  expect(sent).toEqual(['other']);
});

test('next may be called more than once: each call is a request through the rest of the chain', async () => {
  const { chain, sent } = chainOf();
  let inner = 0;
  chain.use(async (request, next) => `${await next(`${request}1`)}, ${await next(`${request}2`)}`);
  chain.use((request, next) => (inner++, next(request)));
  expect(await chain.run('r')).toBe('answer to r1, answer to r2');
  expect([sent, inner]).toEqual([['r1', 'r2'], 2]);
});

test('what one throws rejects, synchronously or not, and an outer one may deal with it', async () => {
  const { chain, sent } = chainOf();
  const thrown = new Error('no');
  chain.use(() => {
    throw thrown;
  });
  await expect(chain.run('r')).rejects.toBe(thrown);
  const other = chainOf();
  other.chain.use((request, next) => next(request).catch((error: Error) => `caught ${error.message}`));
  other.chain.use(() => Promise.reject(thrown));
  expect(await other.chain.run('r')).toBe('caught no');
  expect([...sent, ...other.sent]).toEqual([]);
});

test('a request that is under way keeps the interceptors that there were when it began', async () => {
  const { chain } = chainOf();
  const gate = deferred();
  chain.use(async (request, next) => (await gate.promise, `old(${await next(request)})`));
  const before = chain.run('r');
  chain.use(async (request, next) => `new(${await next(request)})`);
  const after = chain.run('s');
  gate.resolve();
  expect([await before, await after]).toEqual(['old(answer to r)', 'old(new(answer to s))']);
});

test('what is no function is refused', () => {
  expect(() => chainOf().chain.use('x' as never)).toThrow(/use: needs a function, got "x"/);
});
