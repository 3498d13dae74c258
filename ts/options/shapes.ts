import type { Material } from './table.js';

/** An empty list is none: whoever filters certificates or CRLs down to nothing must hear of it. */
export function isMaterialOrSome(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 && Array.from(value).every(isMaterial) : isMaterial(value);
}

/** Whether it is a Material; bytes of another kind than Uint8Array would be read as something else. */
export function isMaterial(value: unknown): value is Material {
  if (typeof value === 'string') return value !== '' && !value.includes('\0');
  if (ArrayBuffer.isView(value)) return (value as Partial<Uint8Array>)[Symbol.toStringTag] === 'Uint8Array';
  return value instanceof URL && value.protocol === 'file:';
}

export function isPromise(value: object): boolean {
  return typeof (value as { then?: unknown }).then === 'function';
}

export function areCredentials(value: unknown): boolean {
  const { username, password } = (value ?? {}) as { username?: unknown; password?: unknown };
  return typeof username === 'string' && username !== '' && typeof password === 'string';
}

/** By its shape: an AbortSignal of another realm (a vm context, a test runner) is one too. */
export function isSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener } = value as { aborted?: unknown; addEventListener?: unknown };
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}
