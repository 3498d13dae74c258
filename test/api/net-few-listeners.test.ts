import { EventEmitter, errorMonitor, getEventListeners, once } from 'node:events';

import { FewListeners } from '../../ts/net/few-listeners.js';
import fc from '../support/properties.js';

const NAMES = ['data', 'end', 'drain', 'close', 'error', 'other', 'newListener', 'removeListener'];
const ADDING = ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'] as const;
const REMOVING = ['off', 'removeListener'] as const;

const named = fc.constantFrom(...NAMES);
const which = fc.nat(2);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...ADDING), named, which) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...REMOVING), named, which) },
  { weight: 6, arbitrary: fc.tuple(fc.constant('emit'), named, which) },
  fc.tuple(fc.constantFrom('removeAllListeners', 'removeAll', 'listeners', 'rawListeners', 'eventNames'), named, which),
);
type Step = readonly [what: string, name: string, which: number];

/** What an emitter does, step by step. */
function doneBy(emitter: EventEmitter, steps: readonly Step[]): unknown[] {
  const said: unknown[] = [];
  let adds = false;
  const listeners = [0, 1, 2].map((number) =>
    Object.assign(
      function (this: unknown, ...args: unknown[]): void {
        said.push([number, this === emitter, args.map((arg) => (typeof arg === 'function' ? 'a listener' : arg))]);
        // The first asks for more while it is called, the second has itself taken away.
        if (number === 0 && !adds) {
          adds = true;
          emitter.on('drain', listeners[2]);
          adds = false;
        }
        if (number === 1) emitter.off('data', listeners[1]);
      },
      { number },
    ),
  );
  const numbers = (all: readonly unknown[]): unknown[] =>
    all.map((one) => (one as { number?: number; listener?: { number: number } }).number ?? 'once');
  for (const [what, name, which] of steps) {
    try {
      if (what === 'emit') said.push(emitter.emit(name, which, 'second'));
      else if (what === 'eventNames') said.push([...emitter.eventNames()].sort());
      else if (what === 'listeners' || what === 'rawListeners') said.push(numbers(emitter[what](name)));
      else if (what === 'removeAllListeners') said.push(emitter.removeAllListeners(name) === emitter);
      else if (what === 'removeAll') said.push(emitter.removeAllListeners() === emitter);
      else said.push(emitter[what as 'on' | 'off'](name, listeners[which]) === emitter);
    } catch (error) {
      said.push(String(error));
    }
    said.push(NAMES.map((each) => [emitter.listenerCount(each), emitter.listenerCount(each, listeners[which])]));
  }
  return said;
}

test('it does whatever is asked of it as an EventEmitter does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      expect(doneBy(new FewListeners(), steps)).toEqual(doneBy(new EventEmitter(), steps));
    }),
    { numRuns: 500 },
  );
});

test('an error that nobody listens to is thrown, and a listener that is none is refused', () => {
  const emitter = new FewListeners();
  expect(() => emitter.emit('error', new Error('unheard'))).toThrow('unheard');
  emitter.once('error', () => undefined);
  expect(emitter.emit('error', new Error('heard'))).toBe(true);
  expect(() => emitter.emit('error', new Error('unheard again'))).toThrow('unheard again');
  for (const name of ['on', 'once', 'off'] as const) {
    expect(() => emitter[name]('data', 'no function' as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  }
});

test("Node's own functions take it for an emitter", async () => {
  const emitter = new FewListeners();
  expect(emitter).toBeInstanceOf(EventEmitter);
  expect(emitter.getMaxListeners()).toBe(EventEmitter.defaultMaxListeners);
  const listener = (): void => undefined;
  emitter.on('data', listener);
  expect(getEventListeners(emitter, 'data')).toEqual([listener]);
  const ended = once(emitter, 'end');
  emitter.emit('end', 1, 2);
  expect(await ended).toEqual([1, 2]);
  const broken = once(emitter, 'close');
  emitter.emit('error', new Error('broken'));
  await expect(broken).rejects.toThrow('broken');
  const seen: unknown[] = [];
  emitter.on(errorMonitor, (error: Error) => seen.push(error.message));
  emitter.on('error', () => undefined);
  emitter.emit('error', new Error('watched'));
  expect(seen).toEqual(['watched']);
});

test('promises of its listeners are watched where Node is asked to', async () => {
  EventEmitter.captureRejections = true;
  try {
    const emitter = new FewListeners();
    const rejects: () => unknown = () => Promise.reject(new Error('rejected'));
    emitter.on('data', rejects);
    const failed = new Promise((resolve) => emitter.once('error', resolve));
    emitter.emit('data');
    expect(await failed).toMatchObject({ message: 'rejected' });
  } finally {
    EventEmitter.captureRejections = false;
  }
});
