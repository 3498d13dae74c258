import { spawn, execFileSync } from 'node:child_process';
import { startServer } from './http1/servers.mjs';
import { cpuBetween, cpuTime } from '../measure/process-facts.mjs';
const s = await startServer(process.argv[2] ?? 'ours-async');
const run = (n) => { const out = execFileSync('taskset', ['-c','1','wrk','-t1','-c16','-d',n+'s','-H','Connection: close', s.url('/')], {encoding:'utf8'}); return Number(/(\d+) requests in/.exec(out)[1]); };
run(1);
if (process.argv[3]) { const p = spawn('strace', ['-f','-c','-p',String(s.pids[0]),'-o','/tmp/strace.out'],{stdio:'ignore'}); await new Promise(r=>setTimeout(r,500)); console.log(run(2)); p.kill('SIGINT'); await new Promise(r=>p.once('close',r)); }
else for (let i=0;i<3;i++){ const b = cpuTime(s.pids); const n = run(2); const c = cpuBetween(b, cpuTime(s.pids)); console.log(process.argv[2], n, 'user', (c.user/n).toFixed(2), 'sys', (c.system/n).toFixed(2), 'total', (c.total/n).toFixed(2)); }
await s.stop();
