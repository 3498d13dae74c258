// The goals of the HTTP/1.1 server, as ratios within one run.
import { figure, ratio } from '../../report/goals.mjs';
import { REFERENCE } from './servers.mjs';

const toReference = (test, server, field) => (results) =>
  ratio(figure(results, test, server, field), figure(results, test, REFERENCE, field));

export const GOALS = [
  ['plain, user time, async handler', 0.9, toReference('plain', 'ours-async', 'user')],
  ['plain, user + system, async handler', 1.0, toReference('plain', 'ours-async', 'total')],
  ['pipelined × 16, user + system, async handler', 0.75, toReference('pipelined', 'ours-async', 'total')],
  ['memory of an idle connection, opened', 0.5, toReference('idle', 'ours-async', 'opened')],
  ['memory of an idle connection, after a request', 0.5, toReference('idle', 'ours-async', 'answered')],
  ['plain, user + system, `fetch` handler', 1.15, toReference('plain', 'ours-fetch', 'total')],
  [
    'ours at 5 000 connections to ours at 64, user + system',
    1.2,
    (results) =>
      ratio(
        figure(results, 'connections-5000', 'ours-async', 'total'),
        figure(results, 'plain', 'ours-async', 'total'),
      ),
  ],
];
