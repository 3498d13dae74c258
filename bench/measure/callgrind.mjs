// Reads what callgrind wrote, without the costs of callees that callgrind_annotate adds where a profile began late.
import { readFileSync } from 'node:fs';

/** What a function's name has behind it that is callgrind's own or the compiler's: recursion levels, hashes. */
const TAIL = /(?:'\d+)?(?:::h[0-9a-f]{16})?$/;

/** { total, functions: [{ object, name, cost }] } of one thread's file: the cost of each function itself, greatest first. */
export function readCallgrind(file) {
  const names = { fn: new Map(), ob: new Map() };
  const named = (kind, text) => {
    const [, id, name] = /^\((\d+)\)(?: (.*))?$/.exec(text) ?? [null, text, text];
    if (name !== undefined) names[kind].set(id, name);
    return names[kind].get(id) ?? '?';
  };
  const costs = new Map();
  let [object, name, total, calls] = ['', '', 0, false];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, key, value] = /^(c?fn|c?ob|calls)=(.*)$/.exec(line) ?? [];
    if (key === 'fn') name = named('fn', value).replace(TAIL, '');
    else if (key === 'ob') object = named('ob', value).split('/').at(-1);
    else if (key === 'cfn' || key === 'cob') named(key.slice(1), value);
    else if (key === 'calls') calls = true;
    if (key !== undefined) continue;
    const cost = Number(/^(?:[+-]?\d+|\*) (\d+)$/.exec(line)?.[1] ?? NaN);
    if (Number.isNaN(cost)) continue;
    // The line behind `calls=` is the callee's cost.
    if (!calls) {
      const place = `${object}\n${name}`;
      costs.set(place, (costs.get(place) ?? 0) + cost);
      total += cost;
    }
    calls = false;
  }
  const functions = [...costs].map(([place, cost]) => {
    const [object, name] = place.split('\n');
    return { object, name, cost };
  });
  return { total, functions: functions.sort((a, b) => b.cost - a.cost) };
}
