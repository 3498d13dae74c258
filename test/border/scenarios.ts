import type { NodeBinary } from '../support/nodes.js';
import type { Outcome } from '../support/program.js';
import { runProgram } from '../support/program.js';

/** A program, and how it must end. */
interface Scenario {
  readonly name: string;
  readonly program: string;
  readonly args?: readonly string[];
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  /** The exit code; 0 unless given. */
  readonly code?: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
}

const exit = (name: string, mode: string, more: Partial<Scenario> = {}): Scenario => ({
  name,
  program: 'exits.mjs',
  args: [mode],
  ...more,
});
const exception = (name: string, mode: string, more: Partial<Scenario> = {}): Scenario => ({
  name,
  program: 'exceptions.mjs',
  args: [mode],
  ...more,
});

/** What must hold on every Node, over both pollers. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'workers share a port, and the main thread sees the metrics of all', program: 'workers-share-port.mjs' },
  { name: 'twenty workers close their servers at once', program: 'twenty-workers.mjs' },
  {
    name: 'descriptors run out: it refuses one by one, does not spin and recovers',
    program: 'descriptors-run-out.mjs',
    // Once, however often it pauses.
    stderr:
      /^[\d:.]{12} WARN  server: no connection can be accepted for now reason="[^"\n]*too many open files[^"\n]*"\n$/i,
  },
  {
    name: 'workers are terminated at random moments',
    program: 'worker-cycles.mjs',
    args: ['12'],
    flags: ['--expose-gc'],
  },
  {
    name: 'chunks of bulk stay as they are while they are kept, and workers end with theirs',
    program: 'bulk-memory.mjs',
    flags: ['--expose-gc'],
    stdout: /^as they were\n$/,
  },
  { name: 'a raw socket that waits takes little of the heap', program: 'idle-sockets.mjs', flags: ['--expose-gc'] },
  {
    name: 'what a handler enters is its own',
    program: 'contexts.mjs',
    stdout: /^apart\n$/,
  },
  exit('process.exit under load', 'under-load', { code: 7 }),
  exit('process.exit in a handler', 'in-handler', { code: 7 }),
  exit('process.exit in a listener', 'in-listener', { code: 7 }),
  exit('the core is used while the process exits', 'in-exit-listener', { code: 7 }),
  exit('process.exit in a handler of a worker ends the worker alone', 'worker-under-load', { stdout: /^alive\n$/ }),
  exit('process.exit of the main thread with workers under load', 'main-with-workers', { code: 7 }),
  exit('a closed server leaves nothing that holds the process', 'closed', { stdout: /^nothing left\n$/ }),
  exit('a destroyed server lets the process end', 'destroyed', { stdout: /^closed\n$/ }),
  exit('a server without its reference does not hold the process', 'unref', { stdout: /^ok\n$/ }),
  exit('a server that has its reference again holds the process', 'ref-again', { stdout: /^held\n$/ }),
  exit('a server that listens holds the process', 'holds', { stdout: /^held\n$/ }),
  exit('the package alone does not hold the process', 'imported'),
  exception('errors and rejections of handlers answer 500 and spare the rest of the batch', 'handlers'),
  exception('an error of onError answers 500', 'error-hook'),
  exception("each error of a 'finish' listener is an uncaught exception once, and the batch goes on", 'listeners'),
  exception("an error of a 'drain' listener is an uncaught exception", 'drain'),
  exception("an error of a socket's 'end' listener is an uncaught exception", 'socket'),
  exception('the answers of a batch have left when an uncaught exception ends the process', 'fatal', {
    code: 1,
    stdout: /^3 answers\n$/,
    stderr: /nobody listens/,
  }),
  ...['0', '1'].map((when): Scenario => ({
    name: `a panic ${when === '0' ? 'while a connection is processed' : 'in a call'} costs one connection`,
    program: 'panic.mjs',
    args: [when],
  })),
  {
    name: 'undici 7 and 8, and this Node’s fetch, work over our Dispatcher',
    program: 'undici-handlers.mjs',
    flags: ['--no-warnings'],
    stdout: /^(?:undici 8 needs Node.js 22.19\nok 1|ok 2)\n$/,
  },
  { name: 'late calls for finished exchanges reach no other', program: 'late-writes.mjs', stdout: /attempts/ },
  {
    name: 'junk for the native functions does no harm',
    program: 'junk.mjs',
    stdout: /lived/,
  },
];

/** Declares a test for each scenario. */
export function testScenarios(node: NodeBinary): void {
  describe.each(['nested', 'uv'])(`Node ${node.major}, poller %s`, (poller) => {
    test.each(SCENARIOS.map((one) => [one.name, one] as const))('%s', async (_name, scenario) => {
      const { program, args, ...options } = scenario;
      const outcome = await runProgram(program, args, { ...options, node, poller });
      expectOutcome(outcome, scenario);
    });
  });
}

/** The end as it must be; on any other, all that the program said. */
export function expectOutcome(outcome: Outcome, wanted: Pick<Scenario, 'code' | 'stdout' | 'stderr'>): void {
  const { code = 0, stdout, stderr } = wanted;
  const said = outcome.stderr.length < 4000 ? outcome.stderr : `…${outcome.stderr.slice(-4000)}`;
  const { signal } = outcome;
  if (outcome.code !== code)
    expect({ code: outcome.code, signal, stderr: said }).toEqual({ code, signal: null, stderr: '' });
  if (stdout !== undefined) expect(outcome.stdout).toMatch(stdout);
  if (stderr === undefined) expect(said).toBe('');
  else expect(outcome.stderr).toMatch(stderr);
}
