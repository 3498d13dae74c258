import { ownNode } from '../support/nodes.js';
import { testScenarios } from './scenarios.js';

testScenarios(ownNode);
