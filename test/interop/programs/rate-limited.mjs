// A server with two limits whose counts are in a Redis. Argument: the path of its Unix socket. Each line of its output is
// JSON: { port }, { failures, … } after a line on its input, and log records.
import { Redis } from 'ioredis';
import { createInterface } from 'node:readline';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { metrics, serve, setLevel, setLogger } from '../../../dist/index.mjs';

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
setLevel('info');
setLogger((record) => say({ level: record.level, message: record.message, fields: record.fields }));

// Neither queues commands while Redis is away nor waits for it longer than we would.
const redis = new Redis({
  path: process.argv[2],
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => 50,
});
redis.on('error', () => undefined);
await new Promise((resolve) => redis.once('ready', resolve));

const store = (keyPrefix) => new RateLimiterRedis({ storeClient: redis, keyPrefix, points: 4, duration: 600 });
const rateLimits = [
  { prefix: '/open', requests: 1, by: 'route', store: store('open'), onStoreError: 'open', storeTimeout: 200 },
  { prefix: '/closed', requests: 1, by: 'route', store: store('closed'), onStoreError: 'closed', storeTimeout: 200 },
];
const server = await serve({ host: '127.0.0.1', port: 0, rateLimits, handler: (req, res) => res.end('in') });
createInterface({ input: process.stdin })
  .on('line', () => {
    const { counters } = metrics.snapshot();
    say({
      failures: counters.millrace_rate_limit_store_failures_total,
      refused: counters['millrace_limit_exceeded_total{option="rateLimits"}'],
      requests: server.stats().requests.active,
    });
  })
  .on('close', () => process.exit(0));
say({ port: server.port });
