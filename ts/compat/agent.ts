/** Agents for node:http and node:https, and for what is built on them, that connect through proxies. */
export { HttpAgent, HttpsAgent } from './agent/agents.js';
export type { HttpAgentOptions, HttpsAgentOptions } from './agent/agents.js';
export type { DialOptions } from './agent/dialler.js';
