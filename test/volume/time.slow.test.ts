import { runVolume } from './run.js';

// They wait for most of their time: all at once.
const programs = {
  'slow-reader.mjs': ['--seconds', '2'],
  'events.mjs': ['--seconds', '2', '--silence', '2'],
  'trickle.mjs': ['--seconds', '9', '--write-timeout', '3000'],
};
let said: Record<keyof typeof programs, Promise<string>>;

beforeAll(() => {
  const started = Object.entries(programs).map(([name, args]) => {
    const end = runVolume(name, args);
    // Its own test tells.
    end.catch(() => undefined);
    return [name, end] as const;
  });
  said = Object.fromEntries(started) as typeof said;
});

test('8 MiB to readers that stop arrive whole within writeTimeout, and are cut and counted past it', async () => {
  expect(await said['slow-reader.mjs']).toMatch(/readers stopped for 2 s/);
}, 120_000);

test('server-sent events arrive one by one, silence cuts no client, one that goes is noticed, 1 000 are served', async () => {
  expect(await said['events.mjs']).toMatch(/1000 clients at once/);
}, 120_000);

test('one byte a second both ways: nobody is cut with the least rates off, a client is with them on', async () => {
  expect(await said['trickle.mjs']).toMatch(/4 clients of 4 were served/);
}, 120_000);
