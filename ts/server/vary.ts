import type { ServerResponse } from './response.js';

/** Adds a name to Vary (RFC 9110 §12.5.5) unless it, or `*`, is there. */
export function addVary(res: ServerResponse, name: string): void {
  const value = res.getHeader('vary') ?? '';
  const before = typeof value === 'string' ? value : value.join(', ');
  const names = before.toLowerCase().split(/[\s,]+/);
  if (names.includes('*') || names.includes(name.toLowerCase())) return;
  res.setHeader('Vary', before === '' ? name : `${before}, ${name}`);
}
