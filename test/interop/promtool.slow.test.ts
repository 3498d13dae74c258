// Our text is read by the parsers that others wrote: promtool of Prometheus, and the one of its Python client.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { Registry } from 'prom-client';

import { metrics, serve, setLogger } from '../../ts/index.js';
import { debianPackage, debianProgram } from '../support/debian.js';
import { where } from '../support/where.js';

const promtool = debianProgram('promtool', 'prometheus');
const client = debianPackage('python3-prometheus-client');
const python = spawnSync('python3', ['--version']).status === 0;

const noPython = python ? undefined : 'there is no python3';

beforeAll(async () => {
  setLogger(null);
  const server = await serve({
    port: 0,
    host: '127.0.0.1',
    handler(req, res) {
      if (req.path === '/throw') throw new Error('on purpose');
      res.end('ok');
    },
    onError: () => 500,
  });
  for (const path of ['', 'throw', '', '']) await (await fetch(server.url + path)).text();
  await server.close();
});

/** Exit status 0 and not a word, or what was said. */
function verdict(program: string, args: string[], input: string): string {
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8', timeout: 15_000 });
  return status === 0 ? stdout + stderr : `status ${status}: ${stdout}${stderr}`;
}

where('promtool', 'missing' in promtool ? promtool.missing : undefined).describe('promtool check metrics', () => {
  const check = (text: string): string =>
    verdict((promtool as { program: string }).program, ['check', 'metrics'], text);

  test('has nothing to say about our text', () => {
    expect(check(metrics.toPrometheus())).toBe('');
  });

  test('has nothing to say about the text of a prom-client registry with our metrics', async () => {
    const registry = new Registry();
    metrics.registerWith(registry);
    expect(check(await registry.metrics())).toBe('');
  });

  test('would have something to say', () => {
    expect(check(metrics.toPrometheus().replace(/_total/g, ''))).toMatch(
      /requests counter metrics should have "_total" suffix/,
    );
    expect(check('a{b=c} 1\n')).toMatch(/^status [^0]/);
  });
});

/** Reads the text, writes how many families and samples it has. */
const READER = `
import sys
from prometheus_client.parser import text_string_to_metric_families as plain
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
families = list((strict if sys.argv[1] == 'openMetrics' else plain)(sys.stdin.read()))
print(len(families), sum(len(family.samples) for family in families))
`;

where("Prometheus' Python client", 'missing' in client ? client.missing : noPython).describe(
  "the parsers of Prometheus' Python client",
  () => {
    const read = (text: string, format: string) => {
      const PYTHONPATH = join((client as { folder: string }).folder, 'usr/lib/python3/dist-packages');
      return spawnSync('python3', ['-c', READER, format], {
        input: text,
        encoding: 'utf8',
        timeout: 15_000,
        env: { ...process.env, PYTHONPATH },
      });
    };

    test.each([['prometheus'], ['openMetrics']])('read all of %s', (format) => {
      const text = metrics.toPrometheus({ openMetrics: format === 'openMetrics' });
      const families = (text.match(/^# TYPE /gm) ?? []).length;
      const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
      const { status, stdout, stderr } = read(text, format);
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${families} ${samples}\n`, stderr: '' });
    });

    test('the strict one refuses what is not OpenMetrics', () => {
      const text = metrics.toPrometheus({ openMetrics: true });
      for (const broken of [
        text.replace('# EOF\n', ''),
        text.replace(/_seconds_sum/g, '_sum'),
        metrics.toPrometheus(),
      ]) {
        expect(read(broken, 'openMetrics').status).not.toBe(0);
      }
    });
  },
);
