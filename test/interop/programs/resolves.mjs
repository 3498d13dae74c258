// Resolves names as the system's files say, in a network and over files that are this process's own.
// Arguments: resolv.conf, nsswitch.conf and hosts in place of the system's, dnsmasq and its arguments.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { metrics, Resolver } from '../../../dist/index.mjs';

const [resolvConf, nsswitch, hosts, ...dnsmasq] = process.argv.slice(2);
const run = (program, ...args) => execFileSync(program, args, { stdio: 'pipe' });
run('ip', 'link', 'set', 'lo', 'up');
run('mount', '--bind', resolvConf, '/etc/resolv.conf');
run('mount', '--bind', nsswitch, '/etc/nsswitch.conf');
run('mount', '--bind', hosts, '/etc/hosts');
const [program, ...args] = dnsmasq;
const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
await new Promise((resolve, reject) => {
  server.stderr.on('data', (text) => String(text).includes('started') && resolve());
  server.once('exit', (code) => reject(new Error(`dnsmasq ended with ${code}`)));
});

const outcome = (call) =>
  call.then(
    (list) => list.map(({ address }) => address),
    (error) => error.code,
  );
const resolver = new Resolver();
const found = {};
for (const host of ['both', 'both.lan.test', 'both.lan.test.', 'mine.test', 'gone', 'localhost']) {
  found[host] = await outcome(resolver.resolve(host));
}
const { queries } = resolver.stats();
const getaddrinfo = metrics.snapshot().counters['millrace_dns_queries_total{kind="getaddrinfo"}'];
server.kill('SIGSTOP');
const late = await outcome(new Resolver({ timeout: 50 }).resolve('late.test'));
server.kill('SIGKILL');
await once(server, 'exit');
const ended = performance.now();
process.on('exit', () => {
  // Nothing of a question that is over holds the process.
  console.log(JSON.stringify({ found, queries, getaddrinfo, late, lingered: performance.now() - ended }));
});
