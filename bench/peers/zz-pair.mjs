// pairs: node zz-pair.mjs connections rounds seconds ENV
import { cores } from '../measure/machine.mjs';
import { warm } from '../measure/wrk.mjs';
import * as W from '../measure/wrk.mjs';
import { startServer } from './http1/servers.mjs';
const [conns, rounds, seconds, env, script = 'outcome', path = '/', name = 'ours-async'] = process.argv.slice(2);
const start = async (on) => { if (on) delete process.env.MILLRACE_DIST; else process.env.MILLRACE_DIST = env; return startServer(name); };
const a = await start(false), b = await start(true);
const load = (s) => ({ url: s.url(path), connections: Number(conns), script });
for (const s of [a, b]) await warm(cores.load, { ...load(s), script: 'outcome' }, 1);
const med = (v) => v.sort((x, y) => x - y)[v.length >> 1];
const res = [[], []], usr = [[], []];
for (let i = 0; i < rounds; i++) for (const k of i % 2 ? [1, 0] : [0, 1]) {
  const s = [a, b][k];
  const r = await W.measure(cores.load, s.pids, { ...load(s), lead: conns > 1000 ? 4 : 1 }, Number(seconds)); res[k].push(r.total); usr[k].push(r.user);
}
console.log('off', med(res[0]).toFixed(3), 'user', med(usr[0]).toFixed(3), ' on', med(res[1]).toFixed(3), 'user', med(usr[1]).toFixed(3), 'ratio', (med(res[1]) / med(res[0])).toFixed(3));
await a.stop(); await b.stop();
