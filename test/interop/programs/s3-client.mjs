// AWS's own S3 client through our agents and our proxy, against a server of S3's protocol that others wrote (s3rver).
// Argument: JSON, { modules: the folder that has both, proxy: port, auth: [user, password], cert, key, ca: files }.
// Its output is one line of JSON: what came of each step, for each kind of proxy.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { HttpAgent, HttpsAgent } from '../../../dist/compat/agent.mjs';

const { modules, proxy, auth, ...files } = JSON.parse(process.argv[2]);
const require = createRequire(join(modules, 'package.json'));
const S3 = require('@aws-sdk/client-s3');
const { Upload } = require('@aws-sdk/lib-storage');
const { NodeHttpHandler } = require('@smithy/node-http-handler');
const S3rver = require('s3rver');

const [cert, key, ca] = [files.cert, files.key, files.ca].map((name) => readFileSync(name, 'utf8'));
const [username, password] = auth;
const MEBIBYTE = 1_048_576;
const PIECES = 12;
const Bucket = 'through-a-proxy';
const md5 = (chunks) => chunks.reduce((hash, chunk) => hash.update(chunk), createHash('md5')).digest('hex');
const pieces = Array.from({ length: PIECES }, (_, at) => Buffer.alloc(MEBIBYTE, `piece ${at} `));
const results = {};

async function run(kind, scheme, secret = password) {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-s3-'));
  const tls = scheme === 'https' ? { cert, key } : null;
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: Bucket }],
    ...tls,
  });
  const { port } = await server.run();
  const way = { url: `${kind}://127.0.0.1:${proxy}`, username, password: secret };
  const httpAgent = new HttpAgent({ proxy: way, keepAlive: true });
  const httpsAgent = new HttpsAgent({ proxy: way, keepAlive: true, ca });
  const client = new S3.S3Client({
    endpoint: `${scheme}://localhost:${port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    // It knows no checksums but MD5.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({ httpAgent, httpsAgent }),
  });
  const send = (name, input) => client.send(new S3[`${name}Command`]({ Bucket, ...input }));
  const found = {};
  const note = async (what, work) => {
    found[what] = await work().catch(({ name, code, phase, $metadata }) => ({
      name,
      code,
      phase,
      status: $metadata?.httpStatusCode,
    }));
  };
  await note(
    'put',
    async () => (await send('PutObject', { Key: 'small', Body: pieces[0] })).ETag === `"${md5([pieces[0]])}"`,
  );
  await note('multipart', async () => {
    // Three parts side by side, of a stream whose length nobody knows.
    const Body = Readable.from(pieces);
    const upload = new Upload({ client, params: { Bucket, Key: 'large', Body }, partSize: 5 * MEBIBYTE, queueSize: 3 });
    await upload.done();
    return (await send('HeadObject', { Key: 'large' })).ContentLength;
  });
  await note('get', async () => {
    const chunks = [];
    for await (const chunk of (await send('GetObject', { Key: 'large' })).Body) chunks.push(chunk);
    return md5(chunks) === md5(pieces);
  });
  await note('range', async () =>
    (await send('GetObject', { Key: 'small', Range: 'bytes=0-6' })).Body.transformToString(),
  );
  await note('list', async () => (await send('ListObjectsV2', {})).Contents.map(({ Key, Size }) => [Key, Size]));
  await note('gone', () => send('GetObject', { Key: 'gone' }));
  client.destroy();
  httpAgent.destroy();
  httpsAgent.destroy();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
  return found;
}

results['socks5h, https'] = await run('socks5h', 'https');
results['http, http'] = await run('http', 'http');
const wrong = await run('socks5h', 'http', 'wrong');
results['wrong password'] = wrong.put;
process.stdout.write(`${JSON.stringify(results)}\n`);
