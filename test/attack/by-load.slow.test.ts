import { attackNames, testAttacks } from '../support/attacks.js';

/** Attacks that press: resets, floods, storms, requests of any size. */
const names = attackNames().filter((name) =>
  /^(reset|storm|pipelined|flood-in|head-of|url-of|fields|chunk-ext|body-of)/.test(name),
);

describe('poller nested', () => testAttacks(names, ['--together', '2']));
