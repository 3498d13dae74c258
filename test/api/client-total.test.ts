// `timeouts.total` goes from the call to the last byte, over all that a call makes; what it waits for between two exchanges too.
import type { ClientOptions, RequestOptions } from '../../ts/index.js';
import { Client } from '../../ts/index.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';
import { whatIsHeld } from '../support/what-is-held.js';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const MOVED = 'HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n';
const LATER = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\n\r\n';
const CHALLENGE = 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="r"\r\nContent-Length: 0\r\n\r\n';
const TOTAL = 250;

/** An answer that is sent so many ms after its request; undefined: never. */
type Script = (head: string, number: number) => [answer: string, delay?: number] | undefined;

/** What a request ends with, how often the server was asked, and that nothing of it is left. */
async function outcomeOf(
  script: Script,
  options: RequestOptions,
  own: ClientOptions = {},
): Promise<{ error: unknown; asked: number }> {
  let asked = 0;
  const server = await scriptedServer((socket) => {
    onRequests(socket, (head) => {
      const [answer, delay = 0] = script(head, asked++) ?? [];
      if (answer !== undefined) setTimeout(() => socket.write(answer), delay);
    });
  });
  const gone = whatIsHeld();
  try {
    const client = new Client(own);
    const error: unknown = await client.request(server.url, options).then(
      () => 'answered',
      (reason: unknown) => reason,
    );
    expect(client.stats()).toMatchObject({ running: 0, queued: 0 });
    client.destroy();
    await gone();
    return { error, asked };
  } finally {
    await server.end();
  }
}

// The first request of a process takes longer than others.
beforeAll(() => outcomeOf(() => [ANSWER], {}));

const LATE = { code: 'MILLRACE_TOTAL_TIMEOUT', limit: { option: 'timeouts.total', value: TOTAL } };
const slowly = (): Promise<string> => new Promise((resolve) => setTimeout(resolve, 3 * TOTAL, ''));

test('it is over within a chain of redirects, each of which takes less', async () => {
  const options = { timeouts: { total: TOTAL }, maxRedirects: 1_000 };
  const { error, asked } = await outcomeOf(() => [MOVED, TOTAL / 10], options);
  expect(error).toMatchObject(LATE);
  expect(asked).toBeGreaterThan(1);
});

test('it is over while a try waits for its time to come', async () => {
  const { error, asked } = await outcomeOf(() => [LATER], { timeouts: { total: TOTAL }, retry: { minDelay: 5_000 } });
  expect(error).toMatchObject(LATE);
  expect(asked).toBe(1);
});

test('what was over by it is not tried again', async () => {
  const { error, asked } = await outcomeOf(() => undefined, { timeouts: { total: TOTAL }, retry: { minDelay: 0 } });
  expect(error).toMatchObject(LATE);
  expect(asked).toBe(1);
});

test('it is over while the cookies are looked for, and nothing is sent after', async () => {
  const jar = { getCookieString: slowly, setCookie: () => undefined } as unknown as ClientOptions['jar'];
  const { error, asked } = await outcomeOf(() => [ANSWER], { timeouts: { total: TOTAL } }, { jar });
  expect(error).toMatchObject(LATE);
  await new Promise((resolve) => setTimeout(resolve, 3 * TOTAL));
  expect(asked).toBe(0);
});

test('it is over while credentials are looked for after a challenge', async () => {
  const auth: ClientOptions['auth'] = (_, refusal) => (refusal === undefined ? undefined : slowly());
  const { error, asked } = await outcomeOf(() => [CHALLENGE], { timeouts: { total: TOTAL } }, { auth });
  expect(error).toMatchObject(LATE);
  expect(asked).toBe(1);
});

test('it is over in the queue of a second exchange, which has what the first has left', async () => {
  const server = await scriptedServer((socket) => {
    // Who waits for the connection is before the second exchange of the first, and is not answered.
    onRequests(socket, (head) => head.startsWith('GET / ') && setTimeout(() => socket.write(MOVED), TOTAL - 30));
  });
  const client = new Client({ pool: { maxConnectionsPerOrigin: 1 } });
  const first = client.request(server.url, { timeouts: { total: TOTAL } });
  const held = client.request(`${server.url}/held`).catch(() => undefined);
  const error: unknown = await first.catch((reason: unknown) => reason);
  client.destroy();
  await held;
  await server.end();
  expect(error).toMatchObject(LATE);
  const { seen } = (error as { limit: { seen: number } }).limit;
  expect(seen).toBeGreaterThanOrEqual(TOTAL);
  // Not all of it once more.
  expect(seen).toBeLessThan(2 * TOTAL - 30);
});

test('an abort between two exchanges ends the call at once, and nothing is sent after', async () => {
  const controller = new AbortController();
  const jar = {
    getCookieString: () => {
      controller.abort(new Error('mine'));
      return new Promise<string>(() => undefined);
    },
    setCookie: () => undefined,
  } as unknown as ClientOptions['jar'];
  const { error, asked } = await outcomeOf(() => [ANSWER], { signal: controller.signal }, { jar });
  expect(error).toMatchObject({ name: 'AbortError', cause: { message: 'mine' } });
  expect(asked).toBe(0);
});

test('it is not over early for a request that is made late in a turn of the loop', async () => {
  const server = await scriptedServer((socket) => {
    onRequests(socket, (head) => head.startsWith('GET /first') && socket.write(ANSWER));
  });
  const client = new Client();
  await (await client.get(`${server.url}/first`)).text();
  const response = await client.get(`${server.url}/first`);
  // Still within the event that brought the response.
  const busyUntil = performance.now() + TOTAL / 2;
  while (performance.now() < busyUntil);
  const began = performance.now();
  const late = client.get(server.url, { timeouts: { total: TOTAL } });
  await expect(late).rejects.toMatchObject(LATE);
  expect(performance.now() - began).toBeGreaterThanOrEqual(TOTAL - 2);
  await response.text();
  client.destroy();
  await server.end();
});

test('it is the body’s too, after a redirect', async () => {
  const server = await scriptedServer((socket) => {
    onRequests(socket, (head) => socket.write(head.startsWith('GET / ') ? MOVED : ANSWER.slice(0, -1)));
  });
  const client = new Client();
  const response = await client.request(server.url, { timeouts: { total: TOTAL } });
  await expect(response.text()).rejects.toMatchObject(LATE);
  client.destroy();
  await server.end();
});
