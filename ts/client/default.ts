import { Client } from './client.js';
import type { RequestOptions } from './request-options.js';
import type { ClientResponse } from './response.js';

let shared: Client | undefined;

/**
 * The client that the functions of the module share, made when it is first asked for: for interceptors, a dispatch function,
 * statistics.
 */
export function defaultClient(): Client {
  return (shared ??= new Client());
}

/** Sends a request over a client that the process shares. */
export function request(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
  return defaultClient().request(url, options);
}

/** The platform's `fetch`, over a client that the process shares. */
export const fetch: typeof globalThis.fetch = (input, init) => defaultClient().fetch(input, init);
