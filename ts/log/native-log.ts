import { factsOfId } from '../errors/code-table.js';
import { setLinesListener } from '../native/events.js';
import { SAID, parseLines } from '../native/log-lines.js';
import type { NativeLine } from '../native/log-lines.js';
import { native } from '../native/loader.js';
import type { Level } from './level.js';
import { logRecord, watchThreshold } from './log.js';
import { NO_FIELDS } from './record.js';

/** The native core logs through the same door from now on: it makes what the level lets pass, and it comes out here. */
export function openNativeLog(): void {
  watchThreshold((rank) => native.setLogLevel(rank));
  setLinesListener(() => {
    for (const line of parseLines(native.takeLog())) logLine(line);
  });
}

/** Nobody's context: what a wake of the reactor says is said on behalf of no request. */
function logLine(line: NativeLine): void {
  const code = factsOfId(line.code)?.code;
  const about = {
    ...(code === undefined ? null : { code }),
    ...(line.peer === '' ? null : { peer: line.peer }),
    ...(line.limit === undefined ? null : { limit: line.limit }),
    ...(line.seen === undefined ? null : { seen: line.seen }),
  };
  const say = (level: Level, component: string, message: string, fields: object): void =>
    logRecord(level, component, message, { ...fields }, NO_FIELDS);
  switch (line.said) {
    case SAID.panicked:
      return say('error', 'reactor', 'native code panicked and a connection was lost: a bug of millrace', {
        ...about,
        panic: line.text,
      });
    case SAID.panickedOutside:
      return say('fatal', 'reactor', 'native code panicked outside of any connection: a bug of millrace', {
        ...about,
        panic: line.text,
      });
    case SAID.acceptingPaused:
      return say('warn', 'server', 'no connection can be accepted for now', { reason: line.text });
    case SAID.refused:
      return say('debug', 'server', 'a connection was refused', about);
    case SAID.broke:
      return say('debug', 'server', 'a client broke the protocol or a limit', about);
    case SAID.expired:
      return say(code === 'MILLRACE_KEEP_ALIVE_TIMEOUT' ? 'trace' : 'debug', 'server', 'a deadline expired', about);
    case SAID.dropped:
      return say('warn', 'reactor', 'there was more to log than is kept', { lines: line.seen });
  }
}
