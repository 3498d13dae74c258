import { common } from './loader.js';

/**
 * The resource that the native core's calls run in, where Node keeps asynchronous contexts on resources (Node 20 and 22): what
 * `executionAsyncResource()` gives, and `enterWith` of an `AsyncLocalStorage` writes to. A call has many events and one
 * resource, so it is a proxy of an object of the present event, made when somebody asks for it. What is entered for one
 * event is invisible to the next, and an event that nobody asks about costs one assignment.
 */
class EventResource implements ProxyHandler<object> {
  private _own: Record<PropertyKey, unknown> | undefined;

  /** Another event begins, or the last one is over. */
  next(): void {
    this._own = undefined;
  }

  get(_target: object, key: PropertyKey): unknown {
    const own = this.own();
    // Node asks a resource for the one that stands for it, and gives that away.
    if (typeof key === 'symbol' && key.description === 'resource_symbol') return own;
    return own[key];
  }

  set(_target: object, key: PropertyKey, value: unknown): boolean {
    this.own()[key] = value;
    return true;
  }

  private own(): Record<PropertyKey, unknown> {
    return (this._own ??= {});
  }
}

/** @internal For `attach`: the resource, and what stands behind it. */
export const { eventResource, eventResourceProxy } = common('eventResource', () => {
  const behind = new EventResource();
  return { eventResource: behind, eventResourceProxy: new Proxy({}, behind) };
});
