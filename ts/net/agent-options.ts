import type { ConnectTimeoutValues } from '../options/connect-timeouts.generated.js';
import { CONNECT_TIMEOUTS } from '../options/connect-timeouts.generated.js';
import type { HttpAgentOptionValues } from '../options/http-agent.generated.js';
import { HTTP_AGENT_OPTIONS } from '../options/http-agent.generated.js';
import type { HttpsAgentOptionValues } from '../options/https-agent.generated.js';
import { HTTPS_AGENT_OPTIONS } from '../options/https-agent.generated.js';
import type { OptionTable } from '../options/table.js';
import { validateOptions } from '../options/validate.js';
import type { ProxyOption } from '../proxy/route.js';
import { checkProxy } from '../proxy/route.js';

/** Of `https.Agent`: what `http.Agent` has, too. */
const SECURE: OptionTable<HttpAgentOptionValues & HttpsAgentOptionValues> = {
  ...HTTPS_AGENT_OPTIONS,
  rows: [...HTTP_AGENT_OPTIONS.rows, ...HTTPS_AGENT_OPTIONS.rows],
};

/** All others are Node's. */
const OWN: ReadonlySet<string> = new Set(['proxy', 'timeouts', 'userTimeout', 'tls']);

/** Refuses what is no option of an agent for Node's HTTP clients: of `millrace/agent`. */
export function checkAgentOptions(options: unknown, secure: boolean): void {
  const given = withoutNothing(options);
  const { proxy, timeouts } = secure ? validateOptions(SECURE, given) : validateOptions(HTTP_AGENT_OPTIONS, given);
  validateOptions<ConnectTimeoutValues>(CONNECT_TIMEOUTS, timeouts ?? {});
  checkProxy(secure ? SECURE.owner : HTTP_AGENT_OPTIONS.owner, proxy as ProxyOption);
}

/** Node takes null for what was not given, as in the `options` of its agents, and Infinity for no limit. */
function withoutNothing(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return options;
  const isNothing = (value: unknown): boolean => value === null || value === Infinity;
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => OWN.has(name) || !isNothing(value)));
}
