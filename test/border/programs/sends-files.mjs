// Serves a file, over TCP and over a Unix socket, whole and in part, and checks what arrives. The argument is the folder
// of the file, which is made here; test/border/static-sendfile.slow.test.ts looks at the system calls.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { serve, serveStatic } from '../../../dist/index.mjs';

const [, , folder] = process.argv;
const content = Buffer.alloc(5_000_000);
for (let at = 0; at < content.length; at += 4) content.writeUInt32LE(Math.imul(at + 1, 2_654_435_761) >>> 0, at);
writeFileSync(join(folder, 'large.bin'), content);

function get(place, headers = {}) {
  return new Promise((resolve, reject) => {
    const sent = request({ ...place, path: '/large.bin', headers, agent: false }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk)).once('error', reject);
      res.once('end', () => resolve({ status: res.statusCode, body: Buffer.concat(chunks) }));
    });
    sent.once('error', reject).end();
  });
}

const handler = serveStatic(folder);
const servers = [await serve({ host: '127.0.0.1', handler }), await serve({ path: join(folder, 'socket'), handler })];
const [tcp, unix] = [{ port: servers[0].port, host: '127.0.0.1' }, { socketPath: join(folder, 'socket') }];
let bytes = 0;
for (const [place, headers, status, wanted] of [
  [tcp, {}, 200, content],
  [unix, {}, 200, content],
  [tcp, { Range: 'bytes=1000001-2000000' }, 206, content.subarray(1_000_001, 2_000_001)],
]) {
  const answer = await get(place, headers);
  assert.equal(answer.status, status);
  assert.ok(answer.body.equals(wanted));
  bytes += answer.body.length;
}
for (const server of servers) await server.close();
process.stdout.write(`received ${bytes}\n`);
