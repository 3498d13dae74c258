import { AsyncLocalStorage, AsyncResource, executionAsyncId } from 'node:async_hooks';

/** Runs a function in an asynchronous context of its own. */
export type Run = <A, B>(fn: (a: A, b: B) => void, a: A, b: B) => void;

/**
 * Runs each handler in an asynchronous context of its own: what one request enters with `enterWith` is invisible to
 * the next in the same wake.
 *
 * Where contexts are frames (Node 24 and later) one resource serves all: `enterWith` replaces a frame. Where they live
 * on resources (Node 20, 22) `enterWith` writes to the current one, so each request gets its own; a shared one, or
 * `AsyncLocalStorage.snapshot()`, would leak. Which it is is tried out, for a flag can change it.
 */
export function contextRunner(): Run {
  const probe = new AsyncResource('MILLRACE');
  const storage = new AsyncLocalStorage<boolean>();
  probe.runInAsyncScope(() => storage.enterWith(true));
  const leaks = probe.runInAsyncScope(() => storage.getStore()) === true;
  storage.disable();
  // The trigger is what Node would take; given as a number it spares Node's constructor the look into its options.
  if (leaks) {
    return (fn, a, b) => new AsyncResource('MILLRACE', executionAsyncId()).runInAsyncScope(fn, undefined, a, b);
  }
  const shared = new AsyncResource('MILLRACE');
  return (fn, a, b) => shared.runInAsyncScope(fn, undefined, a, b);
}
