// Dials in a network that drops, delays and refuses as each case says; tells what came of each as one line of JSON.
import { writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { connect, metrics } from '../../../dist/index.mjs';
import { descriptors, until } from '../../border/programs/lib/process.mjs';
import { Network } from './lib/network.mjs';

const network = await Network.open();
const { port } = network;
const mapped = (text) => text.replace('::ffff:', '');

const hosts = [];

/**
 * A name for addresses with these rules, in this order: all are as far from our own address as RFC 6724 sees it. `v6` in
 * front of a rule makes its address one of IPv6, which come first.
 */
function named(rules) {
  const block = hosts.length + 1;
  const list = rules.map((rule, place) => {
    if (rule === 'unreachable') return `10.10.${block}.${place + 1}`;
    const isNew = rule.startsWith('v6 ');
    const address = isNew ? `2001:db8:9::${block}:${place + 1}` : `10.9.${block}.${place + 1}`;
    network.rule(address, isNew ? rule.slice(3) : rule);
    return address;
  });
  const host = `case${block}.test`;
  hosts.push(...list.map((address) => `${address} ${host}\n`));
  writeFileSync('/etc/hosts', hosts.join(''));
  return { host, list };
}

/** What came of a dial: who won or why none did, and each attempt with its time since the dial was asked for. */
async function outcome(list, dial) {
  // By the clock of the SYNs, which is the wall's; the other is for what we see ourselves.
  const [asked, started] = [Date.now(), performance.now()];
  let result;
  try {
    const socket = await dial();
    result = { winner: mapped(socket.remoteAddress) };
    socket.destroy();
  } catch (error) {
    const { code, message, address, limit, name } = error;
    const errors = error.errors?.map((one) => [one.address, one.cause?.code ?? one.code]);
    result = { error: { code, name, message, address, limit, cause: error.cause?.code, errors } };
  }
  const took = performance.now() - started;
  const syns = await network.sent(list);
  return { ...result, took, list, attempts: syns.map(({ at, address }) => [list.indexOf(address), at - asked]) };
}

function dial(rules, { connectTimeout = 10_000, signal } = {}) {
  const { host, list } = named(rules);
  return outcome(list, () => connect({ host, port, timeouts: { connect: connectTimeout }, signal }));
}

const DROPPED = ['drop', 'drop', 'drop', 'drop'];

async function later(ms) {
  await setTimeout(ms);
  return dial(DROPPED, { connectTimeout: 1_200 });
}

const cases = {
  good: () => dial(['pass 0', 'pass 0']),
  families: () => dial(['v6 drop', 'v6 drop', 'drop', 'drop'], { connectTimeout: 1_200 }),
  deadIpv6: () => dial(['v6 drop', 'pass 0']),
  goodIpv6: () => dial(['v6 pass 0', 'pass 0']),
  slowFirst: () => dial(['pass 375', 'drop']),
  slowerFirst: () => dial(['pass 900', 'pass 0']),
  patient: () => dial(['pass 625', 'drop', 'drop', 'drop']),
  blackhole: () => dial(['drop', 'pass 0']),
  refusedThenGood: () => dial(['refuse 0', 'pass 0']),
  lateRefusal: () => Promise.all(Array.from({ length: 5 }, () => dial(['refuse 50', 'pass 0']))),
  ten: () => dial([...Array(9).fill('refuse 0'), 'pass 0']),
  tenDropped: () => dial([...Array(9).fill('drop'), 'pass 0']),
  allRefused: () => dial(['v6 refuse 0', 'refuse 0', 'unreachable']),
  oneRefused: () => dial(['refuse 0']),
  refusedThenSilent: () => dial(['refuse 0', 'drop'], { connectTimeout: 300 }),
  tooLate: () => dial(DROPPED, { connectTimeout: 700 }),
  // Many, for their times: their steps fall on different moments, so that one stall does not meet them all.
  schedule: () => Promise.all(Array.from({ length: 12 }, (_, place) => later(place * 61))),
  atTheEdge: () => dial(DROPPED, { connectTimeout: 250 }),
  pastTheEdge: () => dial(DROPPED, { connectTimeout: 450 }),
};

const sockets = () => metrics.snapshot().gauges.millrace_sockets_connected;

/** Nothing is open that was not, once a dial of this kind is over; looked at in its middle as well. */
async function leavesNothing(run) {
  await until(
    () => network.accepted.every(({ closed }) => closed),
    () => 'the sockets before have closed',
  );
  const [held, open] = [sockets(), descriptors()];
  let middle = 0;
  const result = await run(() => (middle = descriptors() - open));
  const same = () => sockets() === held && descriptors() <= open;
  await until(same, () => `${sockets()} sockets, ${descriptors()} descriptors; before ${held}, ${open}`);
  return { ...result, middle };
}

async function aborted(look) {
  const abort = new AbortController();
  const dialling = dial(DROPPED, { signal: abort.signal });
  await until(
    () => look() >= 2,
    () => 'two attempts',
  );
  abort.abort();
  return dialling;
}

/** Both have answered before the engine looks: one wins, and the other is closed. */
async function bothGood(look) {
  const { host, list } = named(['pass 600', 'pass 350']);
  const dialling = connect({ host, port });
  await until(
    () => look() >= 2,
    () => 'two attempts',
  );
  // Nobody looks while both are answered.
  execFileSync('sleep', ['0.8']);
  const socket = await dialling;
  const winner = mapped(socket.remoteAddress);
  const accepted = () => network.accepted.filter(({ from }) => list.includes(from));
  await until(
    () => accepted().length === 2 && accepted().some(({ closed }) => closed),
    () => 'the loser has closed',
  );
  const closed = accepted()
    .filter((one) => one.closed)
    .map(({ from }) => from);
  socket.destroy();
  return { winner, closed, list };
}

const results = {};
const entries = Object.entries(cases).map(async ([name, run]) => (results[name] = await run()));
await Promise.all(entries);
results.aborted = await leavesNothing(aborted);
results.failed = await leavesNothing(() => dial(['refuse 0', 'drop'], { connectTimeout: 260 }));
results.bothGood = await leavesNothing(bothGood);
console.log(JSON.stringify(results));
await network.close();
