// many processes: node zz-many.mjs N conns script distA distB ... ('' = own; name@dist for other server)
import { cores } from '../measure/machine.mjs';
import { warm } from '../measure/wrk.mjs';
import * as W from '../measure/wrk.mjs';
import { startServer } from './http1/servers.mjs';
const [n, conns, script, ...variants] = process.argv.slice(2);
const med = (v) => v.slice().sort((x, y) => x - y)[v.length >> 1];
const tot = variants.map(() => []), usr = variants.map(() => []);
for (let i = 0; i < n; i++) for (let j = 0; j < variants.length; j++) {
  const k = i % 2 ? variants.length - 1 - j : j;
  const v = variants[k];
  const [name, dist] = v.includes('@') ? v.split('@') : ['ours-async', v];
  if (dist && dist !== '-') process.env.MILLRACE_DIST = dist; else delete process.env.MILLRACE_DIST;
  const s = await startServer(name);
  const load = { url: s.url('/'), connections: Number(conns), script };
  await warm(cores.load, { ...load, script: 'outcome' }, 1);
  for (let r = 0; r < 2; r++) {
  const r = await W.measure(cores.load, s.pids, { ...load, lead: conns > 1000 ? 4 : 1 }, 2); tot[k].push(r.total); usr[k].push(r.user); }
  await s.stop();
}
const show = (v) => { const s = v.slice().sort((x, y) => x - y); return `${med(v).toFixed(3)} [${s[v.length >> 2].toFixed(3)} ${s[(3 * v.length) >> 2].toFixed(3)}]`; };
variants.forEach((v, k) => console.log(v.padEnd(40), 'total', show(tot[k]), 'user', show(usr[k])));
