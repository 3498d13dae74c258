import type { Writable } from 'node:stream';

import type { RequestOptions } from './request-options.js';
import type { ClientResponse, ResponseHead } from './response.js';

/** What can be said of `request` in fewer words. */
export abstract class Verbs {
  abstract request(url: string | URL, options?: RequestOptions): Promise<ClientResponse>;

  get(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, options);
  }

  head(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, { ...options, method: 'HEAD' });
  }

  post(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, { ...options, method: 'POST' });
  }

  put(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, { ...options, method: 'PUT' });
  }

  patch(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, { ...options, method: 'PATCH' });
  }

  delete(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, { ...options, method: 'DELETE' });
  }

  /**
   * Sends a request and writes the response's body to what `sink` gives for its head, with back-pressure; resolves with
   * the head when the body has been written whole.
   */
  async stream(
    url: string | URL,
    options: RequestOptions,
    sink: (head: ResponseHead) => Writable,
  ): Promise<ResponseHead> {
    const response = await this.request(url, options);
    const { pipeline } = process.getBuiltinModule('node:stream/promises');
    try {
      await pipeline(response.body, sink(response));
    } catch (error) {
      // What is left of the body may never come, and nobody wants it.
      response.exchange.cancel(error);
      throw error;
    }
    return response;
  }
}
