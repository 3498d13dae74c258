import type { inspect, InspectOptions } from 'node:util';

/**
 * What `console.log` shows of the instances of a class, instead of their fields: of those that hold passwords, or what
 * leads to some. Nothing of it stands in the class's type.
 */
export function inspectedAs<T extends object>(
  type: { prototype: T; name: string },
  of: (instance: T) => unknown,
): void {
  Object.defineProperty(type.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: T, _depth: number, options: InspectOptions, show: typeof inspect): string {
      return `${type.name} ${show(of(this), options)}`;
    },
  });
}
