import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snippets } from '../../scripts/check/docs/snippets.mjs';

test('finds fences with their language, their mark and the line of their code', () => {
  const text = [
    '# A',
    '```js run',
    'a();',
    '```',
    '',
    '- item',
    '  ```sh',
    '  ls',
    '  ```',
    '```',
    'no language',
    '```',
    '````md',
    '```js',
    '```',
    '````',
  ];
  assert.deepEqual(snippets(text.join('\n')), [
    { language: 'js', run: true, line: 3, text: 'a();\n' },
    { language: 'sh', run: false, line: 8, text: 'ls\n' },
    { language: 'md', run: false, line: 14, text: '```js\n```\n' },
  ]);
});
