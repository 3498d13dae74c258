/** The levels of log records, from the most talkative to the gravest. */
export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** How grave a log record is. */
export type Level = (typeof LEVELS)[number];

/** The level that holds until `MILLRACE_LOG` or `setLevel` say otherwise. */
export const DEFAULT_LEVEL: Level = 'warn';

/** Whether a value names a level. */
export function isLevel(value: unknown): value is Level {
  return (LEVELS as readonly unknown[]).includes(value);
}

/** The place of a level in `LEVELS`. */
export function rankOf(level: Level): number {
  return LEVELS.indexOf(level);
}
