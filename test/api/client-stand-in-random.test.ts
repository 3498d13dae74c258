// Whatever a dispatch function and its handler do to each other: the handler hears a head, pieces, one end, in order.

import type { DispatchReceiver, ExchangeControl } from '../../ts/index.js';
import { Client } from '../../ts/index.js';
import fc from '../support/properties.js';

type Step =
  | { readonly do: 'informational' | 'response' | 'end' | 'error' | 'pause' | 'resume' | 'abort' }
  | { readonly do: 'data'; readonly answer: boolean | undefined };

const STEPS = ['informational', 'response', 'end', 'error', 'pause', 'resume', 'abort'] as const;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('data' as const), answer: fc.constantFrom(true, false, undefined) }),
  },
  { weight: 4, arbitrary: fc.constantFrom(...STEPS).map((name) => ({ do: name })) },
);

/** What must hold of what the handler was told, given what was said to it. */
function judge(told: readonly string[], said: readonly string[], ended: boolean): void {
  const last = told.findIndex((call) => call === 'end' || call === 'error');
  // Nothing behind the end, and no second one.
  expect(last === -1 || last === told.length - 1).toBe(true);
  const response = told.indexOf('response');
  expect(told.lastIndexOf('response')).toBe(response);
  for (const [place, call] of told.entries()) {
    if (call.startsWith('data') || call === 'end') expect(response).toBeLessThan(place);
    if (call.startsWith('data') || call === 'end') expect(response).toBeGreaterThanOrEqual(0);
    if (call === 'informational' && response >= 0) expect(place).toBeLessThan(response);
  }
  // Pieces come in their order, none twice and none left out.
  const pieces = told.filter((call) => call.startsWith('data'));
  expect(pieces).toEqual(said.slice(0, pieces.length));
  if (told.at(-1) === 'end') expect([pieces, ended]).toEqual([said, true]);
}

test('random calls of both sides', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 24 }), fc.boolean(), (steps, answersLate) => {
      const told: string[] = [];
      const said: string[] = [];
      const answers: (boolean | undefined)[] = [];
      let paused = false;
      let receiver = undefined as DispatchReceiver | undefined;
      let control = undefined as ExchangeControl | undefined;
      let ended = false;
      let aborts = 0;
      let responded = false;
      let over = false;
      // What the handler throws would only fail its request.
      let violated = false;
      const client = new Client({
        dispatch: (_request, handler) => {
          receiver = handler;
          if (!answersLate) return { abort: () => void aborts++, resume: () => undefined };
          return undefined;
        },
      });
      control = client.dispatch(
        { url: 'http://nobody.invalid/' },
        {
          onInformational: () => void told.push('informational'),
          onResponse: () => void told.push('response'),
          onData: (chunk) => {
            // Nothing comes while it is held back.
            violated ||= paused;
            told.push(`data${Buffer.from(chunk).toString()}`);
            const answer = answers.shift();
            if (answer === false) paused = true;
            return answer;
          },
          onEnd: () => void told.push('end'),
          onError: () => void told.push('error'),
        },
      );
      const from = receiver as DispatchReceiver;
      for (const [place, one] of steps.entries()) {
        const isOver = (): boolean => over || told.includes('error');
        switch (one.do) {
          case 'informational':
            from.onInformational(103, {});
            break;
          case 'response':
            if (!isOver() && responded) over = true;
            from.onResponse({ status: 200 });
            responded = true;
            break;
          case 'data':
            if (!isOver() && !ended && responded) {
              said.push(`data${place}`);
              answers.push(one.answer);
            }
            from.onData(String(place));
            break;
          case 'end':
            from.onEnd();
            if (!isOver() && responded) ended = true;
            break;
          case 'error':
            from.onError(new Error('on purpose'));
            break;
          case 'pause':
            control.pause();
            paused = true;
            break;
          case 'resume':
            paused = false;
            control.resume();
            break;
          case 'abort':
            control.abort(new Error('given up'));
            break;
        }
        judge(told, said, ended);
      }
      // Resumed for good, what has ended ends.
      for (let left = answers.length + 1; left > 0; left--) {
        paused = false;
        control.resume();
      }
      judge(told, said, ended);
      if (ended) expect(['end', 'error']).toContain(told.at(-1));
      expect([violated, aborts <= 1]).toEqual([false, true]);
    }),
    { numRuns: 300 },
  );
});
