import { channel } from 'node:diagnostics_channel';

import type { ProxyRequest } from './gateway.js';

/** Payload of `millrace:proxy:tunnel:open`. */
export interface TunnelMessage {
  readonly request: ProxyRequest;
}

/** What a proxy tells; nobody who does not listen pays for it. */
export const PROXY_CHANNELS = {
  opened: channel('millrace:proxy:tunnel:open'),
  /** With the `TunnelStats`. */
  closed: channel('millrace:proxy:tunnel:close'),
};
