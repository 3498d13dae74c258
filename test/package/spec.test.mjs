// The specification of the server, TLS, proxies, the client and sockets as data: each claim has tests, and each of them is where the table says.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import ts from 'typescript';
import { inRoot } from '../../scripts/lib/root.mjs';

const read = (path) => JSON.parse(readFileSync(inRoot(path), 'utf8'));
const { claims } = read('test/vectors/spec-server.json');
const LEDGERS = [
  { name: 'spec-server', claims, sections: ['§3', '§9', '§10', '§11', '§18.5'] },
  {
    name: 'spec-tls',
    claims: read('test/vectors/spec-tls.json').claims,
    sections: ['§5', ...Array.from({ length: 11 }, (_, place) => `§5.${place + 1}`), 'issue 5'],
  },
  { name: 'spec-proxy', claims: read('test/vectors/spec-proxy.json').claims, sections: ['§1', '§1b', '§18.3'] },
  {
    name: 'spec-client',
    claims: read('test/vectors/spec-client.json').claims,
    sections: ['§2', '§4', '§8', '§9', '§10', '§11'],
  },
  {
    name: 'spec-sockets',
    claims: read('test/vectors/spec-sockets.json').claims,
    sections: ['§18.1', '§9', '§10', '§11', '§16', '§19'],
  },
];
const MARK = ' › ';
/** What a file calls `test` or `describe` where a tool may be missing: `withOpenssl`, `testWith(curl)`. */
const ALIAS = /^(with|testWith|testWhere|describeWith)([A-Z]\w*)?$/;

/** The name that a call like test('…'), test.each(…)('…') or describe('…') gives, and what kind it is. */
function named(node) {
  if (!ts.isCallExpression(node)) return undefined;
  let root = node.expression;
  let of;
  while (!ts.isIdentifier(root)) {
    // `where('…', missing).test('…')`
    if (ts.isPropertyAccessExpression(root)) of = root.name.text;
    if (ts.isPropertyAccessExpression(root) || ts.isCallExpression(root) || ts.isTaggedTemplateExpression(root)) {
      root = root.expression ?? root.tag;
    } else if (ts.isParenthesizedExpression(root)) {
      root = root.expression;
    } else {
      return undefined;
    }
  }
  const [title] = node.arguments;
  if (title === undefined || !ts.isStringLiteralLike(title)) return undefined;
  const name = root.text === 'where' ? of : root.text;
  if (name === 'test' || name === 'it') return { kind: 'test', title: title.text };
  if (name !== undefined && ALIAS.test(name)) return { kind: hasTests(node) ? 'describe' : 'test', title: title.text };
  return name === 'describe' ? { kind: 'describe', title: title.text } : undefined;
}

/** Whether a call has others inside of it that declare tests. */
function hasTests(node) {
  const inside = (child) => named(child) !== undefined || ts.forEachChild(child, inside) === true;
  return node.arguments.slice(1).some((argument) => ts.forEachChild(argument, inside) === true);
}

/** A row of a table of tests that are declared in a loop: `{ name: '…' }`. */
function row(node) {
  const isName = ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && node.name.text === 'name';
  return isName && ts.isStringLiteralLike(node.initializer) ? node.initializer.text : undefined;
}

/** The names of the tests of a file, by themselves and behind those of what they stand in. */
function testsOf(path, text) {
  const names = new Set();
  if (path.endsWith('.rs')) {
    for (const [, name] of text.matchAll(/#\[test\]\s+(?:#\[[^\]]*\]\s+)*fn (\w+)/g)) names.add(name);
    return names;
  }
  const isTable = !/\.test\.m?[jt]s$/.test(path);
  const visit = (node, groups) => {
    const found = named(node);
    const title = found?.kind === 'test' ? found.title : isTable ? row(node) : undefined;
    if (title !== undefined) {
      for (let from = 0; from <= groups.length; from++) names.add([...groups.slice(from), title].join(MARK));
    }
    const inside = found?.kind === 'describe' ? [...groups, found.title] : groups;
    ts.forEachChild(node, (child) => visit(child, inside));
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest), []);
  return names;
}

/** What is wrong with a reference to a test, if anything. */
function wrong(reference, namesIn) {
  const [path, ...name] = reference.split(MARK);
  const names = namesIn(path);
  if (names === undefined) return `there is no file ${path}`;
  return names.has(name.join(MARK)) ? undefined : `${path} has no test "${name.join(MARK)}"`;
}

for (const { name, claims, sections } of LEDGERS) checkLedger(name, claims, sections);

function checkLedger(ledger, claims, sections) {
  test(`each claim of ${ledger} has a test that exists, or the part that it waits for`, () => {
    const known = new Map();
    const once = (path) => {
      if (!known.has(path)) {
        const text = existsSync(inRoot(path)) ? readFileSync(inRoot(path), 'utf8') : undefined;
        known.set(path, text === undefined ? undefined : testsOf(path, text));
      }
      return known.get(path);
    };
    const faults = claims.flatMap(({ claim, tests, later }) => {
      if (later !== undefined) return [];
      const none = tests.length === 0 ? ['no test'] : [];
      return [...none, ...tests.map((one) => wrong(one, once)).filter(Boolean)].map((fault) => `${claim}: ${fault}`);
    });
    assert.deepEqual(faults, []);
  });

  test(`each claim of ${ledger} has a section and is made once; what waits says why`, () => {
    for (const row of claims) {
      assert.ok(sections.includes(row.section), row.section);
      assert.ok(row.claim.length > 3);
      if (row.later !== undefined) {
        assert.equal(row.tests, undefined, row.claim);
        assert.ok(row.later.length > 2 && row.reason.length > 10, row.claim);
      }
    }
    const all = claims.map(({ section, claim }) => `${section} ${claim}`);
    assert.deepEqual(
      all.filter((claim, place) => all.indexOf(claim) !== place),
      [],
    );
    for (const section of sections) assert.ok(claims.some((row) => row.section === section && row.tests?.length > 0));
  });
}

test('each limit and each timeout of a server is named by a claim', () => {
  const { options } = read('ts/options/server.json');
  const told = JSON.stringify(claims);
  const groups = ['ServerLimits', 'ServerTimeouts'];
  const untold = options.filter(({ group, name }) => groups.includes(group) && !told.includes(name));
  assert.deepEqual(
    untold.map(({ name }) => name),
    [],
  );
});

test('each limit and each timeout of a client and its pool is named by a claim', () => {
  const told = JSON.stringify(LEDGERS.find(({ name }) => name === 'spec-client').claims);
  const options = ['client', 'request', 'pool', 'timeouts'].flatMap((table) => {
    return read(`ts/options/${table}.json`).options;
  });
  const untold = options.filter(({ name }) => /^(max|min|idle)/.test(name) && !told.includes(name));
  assert.deepEqual(
    untold.map(({ name }) => name),
    [],
  );
});

test('each option of TLS is named by a claim', () => {
  const told = JSON.stringify(LEDGERS[1].claims);
  const options = ['server', 'client'].flatMap((side) => read(`ts/options/tls-${side}.json`).options);
  const untold = options.filter(({ name }) => !told.includes(name));
  assert.deepEqual(
    untold.map(({ name }) => name),
    [],
  );
});

test('each option of sockets, relays, agents, resolvers and proxies is named by a claim', () => {
  const told = LEDGERS.filter(({ name }) => name === 'spec-sockets' || name === 'spec-proxy').map(({ claims: of }) => {
    return JSON.stringify(of.map(({ claim }) => claim));
  });
  const tables = ['connect', 'connect-timeouts', 'listen', 'relay', 'reconnect', 'http-agent', 'https-agent'];
  const untold = [...tables, 'resolver', 'proxy-server'].flatMap((table) => {
    return read(`ts/options/${table}.json`)
      .options.filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(told.join()))
      .map(({ name }) => `${table}: ${name}`);
  });
  assert.deepEqual(untold, []);
});

test('a test that is not there is found missing', () => {
  const files = {
    'a.test.ts': `describe('outer', () => { test('one', () => {}); test.each([1])('each %d', () => {}); });\n// test('no')\nwithTool('two', () => {}); testWith(tool).each([1])('three', () => {}); withTool('group', () => { test('four', () => {}); });\nwhere('of it', missing).test('five', () => {});\nwhere('of it', missing).describe.each([1])('several', () => { test('six', () => {}); });`,
    'b.rs': '#[test]\nfn one() {}\nfn helper() {}\n#[test]\n#[cfg(unix)]\nfn two() {}',
    'c.ts': `export const ROWS = [{ name: 'a row', program: 'x' }];`,
  };
  const faultOf = (reference) => wrong(reference, (path) => (path in files ? testsOf(path, files[path]) : undefined));
  const there = [
    'a.test.ts › one',
    'a.test.ts › outer › one',
    'a.test.ts › each %d',
    'a.test.ts › two',
    'a.test.ts › three',
    'a.test.ts › group › four',
    'a.test.ts › five',
    'a.test.ts › several › six',
    'b.rs › one',
    'b.rs › two',
    'c.ts › a row',
  ];
  for (const reference of there) assert.equal(faultOf(reference), undefined);
  const missing = [
    'a.test.ts › no',
    'a.test.ts › other › one',
    'a.test.ts › group',
    'a.test.ts › of it',
    'b.rs › helper',
    'c.ts › another',
    'd.ts › one',
  ];
  for (const reference of missing) assert.match(faultOf(reference) ?? '', /no (test|file)/);
});

test('the page of timeouts names every timeout option, with its default', () => {
  const page = readFileSync(inRoot('docs/timeouts.md'), 'utf8');
  const { options } = read('ts/options/server.json');
  const clients = read('ts/options/timeouts.json').options;
  for (const { name, default: value } of [...options.filter(({ group }) => group === 'ServerTimeouts'), ...clients]) {
    const none = clients.some((one) => one.name === name) ? 'none' : 'off';
    const told = value === null ? none : String(value).replace(/(\d)(\d{3})$/, '$1 $2');
    const lines = page.split('\n').filter((line) => line.includes(`| \`${name}\` |`));
    assert.ok(
      lines.some((line) => line.includes(`| ${told}`)),
      `${name}: ${told} is not in ${lines.join('\n')}`,
    );
  }
});
