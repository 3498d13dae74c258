import type { ParseArgsConfig } from 'node:util';
import { parseArgs } from 'node:util';

import { Complaint } from './complaint.js';

/** Reads a command line; a wrong one is a complaint in the words of `told`, with status 2. */
export function parsed<const T extends ParseArgsConfig>(
  config: T,
  told: (said: string) => string,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new Complaint(told((error as Error).message), 2);
  }
}

/** The integer that an option was given, within both bounds. */
export function integer(option: string, text: string, from: number, to: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (value >= from && value <= to) return value;
  throw new Complaint(`${option} must be an integer from ${from} to ${to}, got ${JSON.stringify(text)}`, 2);
}
