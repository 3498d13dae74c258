import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { compiled, missingCompiler } from '../../bench/measure/compiled.mjs';
import { Dialogue } from '../../bench/measure/dialogue.mjs';
import { cores } from '../../bench/measure/machine.mjs';
import { interleaved } from '../../bench/measure/rounds.mjs';
import { readConnections } from '../../bench/measure/s-time.mjs';
import { warm } from '../../bench/measure/steady.mjs';
import { render, splice } from '../../bench/report/page.mjs';

const suite = (name) => ({ name, title: `Title of ${name}`, reference: 'a', how: ['How.'], goals: [] });

test('each suite replaces its own section of the page and no other, nor what people wrote', () => {
  let page = '# Benchmarks\n\nBy hand.\n';
  for (const name of ['http1', 'http1-app', 'static']) page = splice(page, suite(name), `first ${name}`);
  page = page.replace('## Title of static', 'By hand too.\n\n## Title of static');
  for (const name of ['static', 'http1', 'http1-app']) page = splice(page, suite(name), `second ${name}`);
  assert.equal(
    page,
    [
      ...['# Benchmarks', 'By hand.'],
      ...['## Title of http1', '<!-- bench:http1 -->', 'second http1', '<!-- /bench:http1 -->'],
      ...['## Title of http1-app', '<!-- bench:http1-app -->', 'second http1-app', '<!-- /bench:http1-app -->'],
      'By hand too.',
      ...['## Title of static', '<!-- bench:static -->', 'second static', '<!-- /bench:static -->\n'],
    ].join('\n\n'),
  );
});

test('a page with half of the marks is left alone', () => {
  for (const page of ['<!-- bench:a -->', '<!-- /bench:a -->', '<!-- /bench:a --> <!-- bench:a -->']) {
    assert.throws(() => splice(page, suite('a'), 'text'), /must hold/);
  }
});

test('a run becomes tables with ratios to the reference, and says what was not measured and what went wrong', () => {
  const figures = { user: 1, system: 1, total: 2, rate: 1_000, busy: 0.5, p99: 10 };
  const text = render(suite('x'), {
    machine: {
      cpu: 'a cpu',
      cores: 2,
      memory: 2 ** 30,
      kernel: 'linux 6',
      arch: 'x64',
      node: '20',
      date: '2026-01-01',
    },
    ...{ command: 'the command', rounds: 3, seconds: 1, versions: { peer: '1.0' } },
    servers: [
      { name: 'a', title: 'A', unavailable: null },
      { name: 'b', title: 'B', unavailable: null },
      { name: 'c', title: 'C', unavailable: 'it is not here' },
    ],
    cases: [{ name: 'one', title: 'One', what: 'What.', kind: 'load' }],
    results: {
      one: {
        a: { median: figures, spread: 0, problems: [] },
        b: { median: { ...figures, total: 3 }, spread: 0.1, problems: ['other work took up to 50 % of a core'] },
      },
    },
  });
  assert.match(text, /\| B \| 1\.00 \| 1\.00 \| 3\.00 \| 1\.50 \| 1\.00 \| ±5 % \| 1 000 \| 50 % \|/);
  assert.match(text, /Not measured in this run: C \(it is not here\)\./);
  assert.match(text, /^- B: other work took up to 50 % of a core$/m);
  assert.match(text, /\*\*Other work ran on the machine during this run\*\*/);
});

test('a server is started anew for each round; one that fails loses what is left of its row alone, and all are closed', async () => {
  const heard = [];
  const outcome = await interleaved(['a', 'b', 'c'], {
    rounds: 3,
    tell: () => {},
    open: (name) => {
      if (name === 'c') throw new Error('c does not start');
      heard.push(`open ${name}`);
      return Promise.resolve({ server: name, problems: [] });
    },
    round: (name, number) => {
      heard.push(`${name}${number}`);
      if (name === 'b' && number === 1) throw new Error('b is gone\nand more');
      return Promise.resolve({ total: number, problems: ['noise'], otherWork: number === 2 ? 0.5 : 0 });
    },
    close: (name) => void heard.push(`close ${name}`),
    fields: ['total'],
    headline: 'total',
  });
  const turn = (name, number) => [`open ${name}`, `${name}${number}`, `close ${name}`];
  const turns = [turn('a', 0), turn('b', 0), turn('a', 1), turn('b', 1), turn('a', 2)];
  assert.deepEqual(heard, turns.flat());
  assert.deepEqual(outcome.a.median, { total: 1 });
  assert.deepEqual(outcome.a.problems, ['noise', 'other work took up to 50 % of a core in 1 of 3 rounds']);
  assert.deepEqual([outcome.b.rounds.length, outcome.b.problems], [1, ['noise', 'b is gone']]);
  assert.deepEqual([outcome.c.median, outcome.c.problems], [null, ['c does not start']]);
});

test('handshakes of another kind than a case counts, and connections without an answer, are told', () => {
  const output = (marks, bytes) =>
    `starting\n${marks}\n\n4 connections in 0.01s; 400.00 connections/user sec, bytes read 4\n` +
    `4 connections in 3 real seconds, ${bytes} bytes read per connection\n`;
  assert.deepEqual(readConnections(output('****', 80), false), { connections: 4, problems: [] });
  assert.deepEqual(readConnections(output('rrrr', 80), true), { connections: 4, problems: [] });
  assert.deepEqual(readConnections(output('*r*r', 80), false).problems, ['2 connections resumed']);
  assert.deepEqual(readConnections(output('rrr*', 80), true).problems, ['1 connections did not resume']);
  assert.deepEqual(readConnections(output('****', 0), false).problems, ['connections ended without an answer']);
  assert.throws(() => readConnections('connect: refused', false), /no result/);
});

// The loads in C are for Linux, as the benchmark is.
const noLoads = process.platform === 'linux' ? missingCompiler() : 'the loads are driven by epoll';
const load = { skip: noLoads ?? false };

async function serving(answer, body) {
  let seen = 0;
  const server = createServer((_, res) => answer(res, ++seen)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await body(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return seen;
}

test('the load of requests counts as many as the server has answered', load, async () => {
  for (const steady of [{}, { depth: 16 }, { method: 'POST', body: 'x'.repeat(65_536) }]) {
    let requests = 0;
    const seen = await serving(
      (res) => res.end('same'),
      async (url) => ({ requests } = await warm(cores.load, { url, connections: 4, steady }, 0.1)),
    );
    assert.ok(requests >= 4, JSON.stringify(steady).slice(0, 60));
    // One more told it what an answer looks like.
    assert.equal(seen, requests + 1);
  }
});

test('the load of requests opens a connection for each where that is asked for', load, async () => {
  const steady = { fresh: true, fields: { Connection: 'close' } };
  let requests = 0;
  const seen = await serving(
    (res) => res.end('same'),
    async (url) => ({ requests } = await warm(cores.load, { url, connections: 4, steady }, 0.1)),
  );
  assert.ok(requests >= 4);
  assert.equal(seen, requests + 1);
});

test('the load of requests ends when an answer is unlike the first, or a connection is closed', load, async () => {
  const wrong = {
    status: (res, seen) => res.writeHead(seen > 5 ? 503 : 200).end('same'),
    longer: (res, seen) => res.end(seen > 5 ? 'another' : 'same'),
    closed: (res, seen) => (seen > 5 ? res.destroy() : res.end('same')),
  };
  const said = { status: /another status/, longer: /longer/, closed: /closed a connection|reset/ };
  for (const [name, answer] of Object.entries(wrong)) {
    await serving(answer, (url) =>
      assert.rejects(warm(cores.load, { url, connections: 4, steady: {} }, 5), said[name]),
    );
  }
});

test('both ends of the TCP load move and count the same', load, async () => {
  const ends = [
    new Dialogue(cores.load, compiled('tcp-traffic'), []),
    new Dialogue(cores.load, compiled('tcp-traffic', 'PIECE=65536'), []),
  ];
  const [near, far] = ends;
  const ask = async (line, word) => {
    near.say(line);
    return (await near.hear(word, 20_000)).split(' ').map(Number);
  };
  try {
    const port = await far.hear('listening', 5_000);
    await near.hear('listening', 5_000);
    assert.deepEqual(await ask(`open ${port} 250`, 'opened'), [250]);
    assert.deepEqual(await ask('ping', 'answered'), [250]);
    assert.ok((await ask('pingpong 32 50', 'moved'))[0] >= 250);
    for (const way of ['U', 'D']) {
      assert.equal((await ask(`volume ${port} ${way} 30000001`, 'read'))[0], 30_000_001);
    }
  } finally {
    await Promise.all(ends.map((end) => end.stop()));
  }
});
