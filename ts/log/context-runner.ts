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
 *
 * With a prototype it is for functions whose second argument is an object of it, which then is the resource that the
 * context lives on: nothing is made for it. All have one id, as they have where contexts are frames.
 */
export function contextRunner(prototype?: object): Run {
  const shared = new AsyncResource('MILLRACE');
  const inShared: Probe = (fn) => shared.runInAsyncScope(fn);
  if (!isSeen(inShared, inShared)) return (fn, a, b) => shared.runInAsyncScope(fn, undefined, a, b);
  if (prototype !== undefined && becomesResource(prototype, shared)) {
    return (fn, a, b) => AsyncResource.prototype.runInAsyncScope.call(b as AsyncResource, fn, undefined, a, b);
  }
  // The trigger is what Node would take; given as a number it spares Node's constructor the look into its options.
  return (fn, a, b) => new AsyncResource('MILLRACE', executionAsyncId()).runInAsyncScope(fn, undefined, a, b);
}

/** Runs a function in one context. */
type Probe = (fn: () => boolean) => boolean;

/** Makes resources of the objects of a prototype, by the ids of `shared`; whether that works. */
function becomesResource(prototype: object, shared: AsyncResource): boolean {
  // What `runInAsyncScope` knows a resource by: two symbols of Node's own. What was entered is there under others.
  for (const symbol of Object.getOwnPropertySymbols(shared)) {
    if (symbol.description?.endsWith('async_id_symbol') !== true) continue;
    const value: unknown = Reflect.get(shared, symbol);
    Object.defineProperty(prototype, symbol, { value, writable: true, configurable: true });
  }
  const made = (): Probe => {
    const resource = Object.create(prototype) as AsyncResource;
    return (fn) => AsyncResource.prototype.runInAsyncScope.call(resource, fn) as boolean;
  };
  const [one, other] = [made(), made()];
  return !isSeen(one, other) && isSeen(one, one);
}

/** Whether what is entered in the one is there in the other. */
function isSeen(one: Probe, other: Probe): boolean {
  const storage = new AsyncLocalStorage<boolean>();
  one(() => {
    storage.enterWith(true);
    return true;
  });
  const seen = other(() => storage.getStore() === true);
  storage.disable();
  return seen;
}
