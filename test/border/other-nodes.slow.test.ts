import { otherNodes } from '../support/nodes.js';
import { testScenarios } from './scenarios.js';

const nodes = otherNodes(['20', '22', '24', '26']);
for (const node of nodes) testScenarios(node);

test('other Nodes than this one were had, or the reason was printed', () => {
  expect(new Set(nodes.map(({ major }) => major)).size).toBe(nodes.length);
});
