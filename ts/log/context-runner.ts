import { AsyncLocalStorage, AsyncResource, executionAsyncId } from 'node:async_hooks';

import { inEventContext } from '../native/events.js';

/** Runs a function in an asynchronous context of its own. */
export type Run = <A, B>(fn: (a: A, b: B) => void, a: A, b: B) => void;

/**
 * Runs each handler in an asynchronous context of its own: what one request enters with `enterWith` is invisible to
 * the next in the same wake.
 *
 * Where contexts are frames (Node 24 and later) one resource serves all: `enterWith` replaces a frame. Where they live
 * on resources (Node 20, 22) `enterWith` writes to the current one, which is another for each event already, see
 * `EventResource`; where it is not, each handler gets a resource here. Which it is is tried out, for a flag can change it.
 */
export function contextRunner(): Run {
  return (runner ??= findRunner());
}

let runner: Run | undefined;

/** Runs a function in one context. */
type Probe = (fn: () => boolean) => boolean;

function findRunner(): Run {
  const shared = new AsyncResource('MILLRACE');
  const inShared: Probe = (fn) => shared.runInAsyncScope(fn);
  if (!isSeen(inShared, inShared)) return (fn, a, b) => shared.runInAsyncScope(fn, undefined, a, b);
  if (!isSeen(inEvent, inEvent)) return (fn, a, b) => fn(a, b);
  // The trigger is what Node would take; given as a number it spares Node's constructor the look into its options.
  return (fn, a, b) => new AsyncResource('MILLRACE', executionAsyncId()).runInAsyncScope(fn, undefined, a, b);
}

/** As an event is handled. */
function inEvent(fn: () => boolean): boolean {
  let answer = false;
  inEventContext(() => {
    answer = fn();
  });
  return answer;
}

/** Whether what is entered in the one is there in the other, and in the one as long as it lasts. */
function isSeen(one: Probe, other: Probe): boolean {
  const storage = new AsyncLocalStorage<boolean>();
  const isKept = one(() => {
    storage.enterWith(true);
    return storage.getStore() === true;
  });
  const seen = other(() => storage.getStore() === true);
  storage.disable();
  return seen || !isKept;
}
