import { MillraceError } from '../../ts/errors/millrace-error.js';
import { formatRecord } from '../../ts/log/format.js';
import { LEVELS } from '../../ts/log/level.js';
import { getLevel, isEnabled, logRecord, setCounter, setLevel } from '../../ts/log/log.js';
import { consoleLogger, setLogger } from '../../ts/log/logger.js';
import type { Logger } from '../../ts/log/logger.js';
import type { LogRecord } from '../../ts/log/record.js';

let stderr: jest.SpyInstance;
const written = (): string => stderr.mock.calls.map(([text]) => String(text)).join('');

beforeEach(() => {
  stderr = jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
  setLevel('warn');
});

afterEach(() => {
  stderr.mockRestore();
  setLogger(null);
  setCounter(null);
});

function collected(): LogRecord[] {
  const records: LogRecord[] = [];
  setLogger((record) => void records.push(record));
  return records;
}

/** What a fresh start of the log does in this environment; undefined removes a variable. */
async function started<Result>(
  environment: Record<string, string | undefined>,
  run: (log: typeof import('../../ts/log/log.js')) => Result,
): Promise<Result> {
  const before = process.env;
  process.env = { ...before, ...environment };
  for (const [name, value] of Object.entries(environment)) if (value === undefined) delete process.env[name];
  try {
    let result: Result | undefined;
    await jest.isolateModulesAsync(async () => {
      result = run(await import('../../ts/log/log.js'));
    });
    return result as Result;
  } finally {
    process.env = before;
  }
}

describe('levels', () => {
  test.each(LEVELS.map((level, rank) => [level, rank] as const))(
    '%s lets itself and graver ones pass',
    (level, rank) => {
      const records = collected();
      setLevel(level);
      expect(getLevel()).toBe(level);
      LEVELS.forEach((each) => logRecord(each, 'test', 'a message'));
      expect(records.map((record) => record.level)).toEqual(LEVELS.slice(rank));
      expect(LEVELS.map((each) => isEnabled(each))).toEqual(LEVELS.map((_, other) => other >= rank));
    },
  );

  test('formats nothing below the level', () => {
    collected();
    const read = jest.fn(() => []);
    logRecord('debug', 'test', 'unheard', new Proxy({}, { ownKeys: read }));
    expect(read).not.toHaveBeenCalled();
    logRecord('warn', 'test', 'heard', new Proxy({}, { ownKeys: read }));
    expect(read).toHaveBeenCalled();
  });

  test('refuses a level that does not exist', () => {
    expect(() => setLevel('loud' as never)).toThrow(TypeError);
    expect(() => setLevel('loud' as never)).toThrow('"fatal", got "loud"');
    expect(getLevel()).toBe('warn');
  });

  test('start from MILLRACE_LOG', async () => {
    const levelOf = (given: string | undefined) => started({ MILLRACE_LOG: given }, (log) => log.getLevel());
    expect(await levelOf('debug')).toBe('debug');
    expect(await levelOf('ERROR')).toBe('error');
    expect(await levelOf(undefined)).toBe('warn');
    expect(await levelOf('')).toBe('warn');
    expect(written()).toBe('');
  });

  test('start at warn, with a word on stderr, when MILLRACE_LOG names none', async () => {
    expect(await started({ MILLRACE_LOG: 'lo\x1bud' }, (log) => log.getLevel())).toBe('warn');
    expect(written()).toMatch(/MILLRACE_LOG must be one of .*, got "lo\\x1bud"/);
  });
});

describe('a callback', () => {
  test('gets the record', () => {
    const records = collected();
    const before = Date.now();
    logRecord('error', 'server', 'the handler failed', { status: 500 });
    expect(records).toEqual([
      {
        time: expect.any(Number),
        level: 'error',
        component: 'server',
        message: 'the handler failed',
        fields: { status: 500 },
        context: {},
      },
    ]);
    expect(records[0].time).toBeGreaterThanOrEqual(before);
  });

  test('gets texts from strangers escaped', () => {
    const records = collected();
    logRecord('warn', 'server', 'bad\nline', { url: '/\x1b[2J\r\n' });
    expect(records[0]).toMatchObject({ message: 'bad\\nline', fields: { url: '/\\x1b[2J\\r\\n' } });
  });

  test('that throws disturbs nobody and is told of once', () => {
    setLogger(() => {
      throw new Error('disk full\n');
    });
    logRecord('error', 'test', 'one');
    logRecord('error', 'test', 'two');
    expect(written().match(/the logger failed: disk full\\n/g)).toHaveLength(1);
  });

  test('that rejects disturbs nobody and is told of', async () => {
    const rejecting: (record: LogRecord) => unknown = () => Promise.reject(new Error('unreachable'));
    setLogger(rejecting);
    logRecord('error', 'test', 'one');
    await new Promise(setImmediate);
    expect(written()).toContain('the logger failed: unreachable');
  });
});

describe('a pino-shaped logger', () => {
  function pinoLike() {
    const calls: unknown[][] = [];
    const methods = LEVELS.map((level) => [level, (...args: unknown[]) => calls.push([level, ...args])]);
    return { calls, logger: Object.fromEntries(methods) as Logger };
  }

  test('is called with the fields and then the message', () => {
    const { calls, logger } = pinoLike();
    setLogger(logger);
    setLevel('trace');
    LEVELS.forEach((level) => logRecord(level, 'server', 'hello', { port: 80 }));
    expect(calls).toEqual(LEVELS.map((level) => [level, { component: 'server', port: 80 }, 'hello']));
  });

  test('is used as a method, with its own this', () => {
    const ignore = (): void => undefined;
    const own = {
      lines: [] as string[],
      warn(_fields: object, message: string): void {
        this.lines.push(message);
      },
      trace: ignore,
      debug: ignore,
      info: ignore,
      error: ignore,
      fatal: ignore,
    };
    setLogger(own);
    logRecord('warn', 'test', 'mine');
    expect(own.lines).toEqual(['mine']);
  });

  test.each([[{}], [3], [undefined], [{ info() {}, warn() {} }]])('is not %p', (value) => {
    expect(() => setLogger(value as never)).toThrow(MillraceError);
    expect(() => setLogger(value as never)).toThrow(/setLogger: the logger must be an object with the methods trace/);
  });
});

test('null silences, and then nothing is enabled', () => {
  setLogger(null);
  expect(isEnabled('fatal')).toBe(false);
  logRecord('fatal', 'test', 'unheard');
  expect(written()).toBe('');
});

test('counts what was logged and nothing else', () => {
  collected();
  const counted: string[] = [];
  setCounter((level) => void counted.push(level));
  logRecord('debug', 'test', 'below the level');
  logRecord('warn', 'test', 'heard');
  logRecord('fatal', 'test', 'heard');
  setLogger(null);
  logRecord('fatal', 'test', 'no logger');
  expect(counted).toEqual(['warn', 'fatal']);
});

describe('the line for people', () => {
  const record: LogRecord = {
    time: 0,
    level: 'warn',
    component: 'server',
    message: 'slow',
    fields: { url: '/a', ms: 7 },
    context: {},
  };

  test('has time, level, component, message and fields', () => {
    expect(formatRecord(record, false)).toBe('00:00:00.000 WARN  server: slow url="/a" ms=7');
  });

  test('is coloured only when asked', () => {
    expect(formatRecord(record, true)).toContain('\x1b[33mWARN');
    expect(formatRecord(record, false)).not.toContain('\x1b');
  });

  test('shows the stack of an error below, indented', () => {
    const err = new TypeError('broke\nforged line');
    const [first, ...frames] = formatRecord({ ...record, fields: { err } }, false).split('\n');
    expect(first).toContain('err="TypeError: broke\\nforged line"');
    expect(frames.length).toBeGreaterThan(0);
    frames.forEach((frame) => expect(frame).toMatch(/^ {4}at /));
  });

  test('escapes what nested values hide and cuts what is long', () => {
    const fields = { nested: { text: '\x1b[2J' }, 'bad\nname': 1, long: 'y'.repeat(9_000), none: undefined };
    const line = formatRecord({ ...record, fields }, false);
    expect(line).not.toMatch(/[\n\x1b]/);
    expect(line).toContain('bad\\nname=1');
    expect(line.length).toBeLessThan(1_200);
  });

  test('goes to the right method of a console', () => {
    const calls: string[] = [];
    const method = (name: string) => (line: string) => void calls.push(`${name} ${line.slice(13, 18)}`);
    const to = { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') };
    const log = consoleLogger(to);
    LEVELS.forEach((level) => log({ ...record, level }));
    expect(calls).toEqual(['debug TRACE', 'debug DEBUG', 'info INFO ', 'warn WARN ', 'error ERROR', 'error FATAL']);
  });
});

test('the default logger writes to stderr, coloured on a terminal unless NO_COLOR says otherwise', async () => {
  const lineOf = async (isTTY: boolean, noColor: string | undefined): Promise<string> => {
    const before = process.stderr.isTTY;
    process.stderr.isTTY = isTTY;
    stderr.mockClear();
    try {
      await started({ NO_COLOR: noColor, MILLRACE_LOG: undefined }, (log) => log.logRecord('error', 'test', 'hello'));
      return written();
    } finally {
      process.stderr.isTTY = before;
    }
  };
  expect(await lineOf(false, undefined)).toMatch(/^[\d:.]{12} ERROR test: hello\n$/);
  expect(await lineOf(true, undefined)).toContain('\x1b[31mERROR');
  expect(await lineOf(true, '')).toContain('\x1b[31mERROR');
  expect(await lineOf(true, '1')).not.toContain('\x1b');
});
