import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Dialogue } from '../measure/dialogue.mjs';
import { cores } from '../measure/machine.mjs';
import { cpuBetween, cpuTime } from '../measure/process-facts.mjs';
import { startProgram } from './program.mjs';
import { startHaproxy } from './relay/haproxy.mjs';
const [suite='relay', name='ours', mode='time', n='64', size='64'] = process.argv.slice(2);
const client = new Dialogue(cores.load, process.execPath, [fileURLToPath(new URL('../load/tcp-traffic.mjs', import.meta.url))]);
const behind = Number(await client.hear('listening', 5000));
const s = name === 'haproxy' ? await startHaproxy(name, behind) : await startProgram(new URL(`./${suite}/x.mjs`, import.meta.url), name, { args: [String(behind)] });
client.say(`open ${s.port} ${n}`); await client.hear('opened', 20000);
const go = async (ms) => { client.say(`pingpong ${size} ${ms}`); return (await client.hear('moved', 20000)).split(' ').map(Number); };
await go(1000);
if (mode === 'time') { for (let i=0;i<3;i++){ const b = cpuTime(s.pids); const [m] = await go(2000); const c = cpuBetween(b, cpuTime(s.pids)); console.log(name, m, 'user', (c.user/m).toFixed(2), 'sys', (c.system/m).toFixed(2), 'total', (c.total/m).toFixed(2)); } }
else if (mode === 'strace') { const p = spawn('strace', ['-f','-c','-p',String(s.pids.at(-1)),'-o','/tmp/strace.out'],{stdio:'ignore'}); await new Promise(r=>setTimeout(r,500)); const [m] = await go(2000); p.kill('SIGINT'); await new Promise(r=>p.once('close',r)); console.log('messages', m);
 const q = spawn('strace', ['-f','-p',String(s.pids.at(-1)),'-o','/tmp/strace.log'],{stdio:'ignore'}); await new Promise(r=>setTimeout(r,300)); await go(300); q.kill('SIGINT'); await new Promise(r=>q.once('close',r)); }
else { const p = spawn('perf', ['record','-q','-e','cpu-clock','-F','1999','-g','-p',String(s.pids.at(-1)),'-o',mode,'--','sleep','5'],{stdio:'ignore'}); await go(5500); await new Promise(r=>p.once('close',r)); }
await client.stop(); await s.stop();
