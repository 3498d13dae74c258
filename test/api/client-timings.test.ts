import { Timings } from '../../ts/client/timings.js';

const at = (timings: Timings, ms: number): number => timings.start + ms;

test('each phase is the time between its moments, and total is all of them', () => {
  const timings = new Timings();
  timings.connected({ dns: 5, connect: 10, proxy: 20, tls: 15 }, at(timings, 57));
  timings.mark('sent', at(timings, 60));
  timings.mark('headers', at(timings, 100));
  timings.mark('end', at(timings, 150));
  const { queued, send, headers, body, total, ...rest } = timings.toJSON();
  expect([queued, send, headers, body, total].map((ms) => Math.round(ms as number))).toEqual([7, 3, 40, 50, 150]);
  expect(rest).toEqual({ dns: 5, connect: 10, proxy: 20, tls: 15, reused: false });
});

test('on a connection that was there, the phases of making one are null', () => {
  const timings = new Timings();
  timings.connected('reused', at(timings, 2));
  const { reused, queued, dns, connect, proxy, tls } = timings;
  expect({ reused, queued: Math.round(queued as number), dns, connect, proxy, tls }).toEqual({
    reused: true,
    queued: 2,
    dns: null,
    connect: null,
    proxy: null,
    tls: null,
  });
});

test('what is not over yet is null', () => {
  const timings = new Timings();
  expect(Object.values(timings.toJSON())).toEqual([...Array<null>(9).fill(null), false]);
  timings.mark('assigned');
  timings.mark('sent');
  expect(timings.send).toBeGreaterThanOrEqual(0);
  expect([timings.headers, timings.body, timings.total]).toEqual([null, null, null]);
});

test('of a moment that comes twice the first counts, and an answer before the end of the request took no time', () => {
  const timings = new Timings();
  timings.connected('reused', at(timings, 0));
  timings.mark('headers', at(timings, 10));
  timings.mark('headers', at(timings, 99));
  timings.mark('sent', at(timings, 30));
  timings.mark('end', at(timings, 50));
  expect([timings.send, timings.headers, timings.body].map((ms) => Math.round(ms as number))).toEqual([30, 0, 40]);
});

test('of a request that was made again the phases are those of the last try, and total is all', async () => {
  const one = new Timings();
  one.mark('end');
  await new Promise((resolve) => setTimeout(resolve, 5));
  const two = one.again();
  expect(two.start).toBe(one.start);
  two.connected('reused');
  two.mark('end');
  expect(two.queued).toBeLessThan(two.total as number);
  expect(two.total).toBeGreaterThanOrEqual(4);
});
