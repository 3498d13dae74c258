import type { Channel, ChannelListener } from 'node:diagnostics_channel';

import { native } from '../native/loader.js';
import { CHANNELS } from './channels.js';
import type { Server } from './server.js';

/** What comes with the error of a `clientError` event. */
export interface RefusedRequest {
  /** The status that the client got. */
  readonly status: number;
  readonly remoteAddress: string | null;
  readonly remotePort: number;
}

const EVENT = 'clientError';
let listening = 0;
let isHeard = false;

/**
 * The native core tells of requests that it refused only while somebody listens: to the channel, or to a server's event.
 * A channel does not say when it gets its first subscriber, so its own functions are wrapped, once in each thread.
 */
function update(): void {
  const wanted = listening > 0 || CHANNELS.requestRefused.hasSubscribers;
  if (wanted === isHeard) return;
  isHeard = wanted;
  native.hearRefusals(wanted ? 1 : 0);
}

type Call = (this: Channel, listener: ChannelListener) => unknown;

function watch(channel: Channel): void {
  for (const name of ['subscribe', 'unsubscribe']) {
    const before = Object.getOwnPropertyDescriptor(channel, name)?.value as Call | undefined;
    const wrapped = (listener: ChannelListener): unknown => {
      // The first subscriber changes the channel's prototype, and the last one changes it back.
      const original = before ?? (Reflect.get(Object.getPrototypeOf(channel) as object, name) as Call);
      const result = original.call(channel, listener);
      update();
      return result;
    };
    Object.defineProperty(channel, name, { value: wrapped, configurable: true, writable: true });
  }
}

watch(CHANNELS.requestRefused);

/** Has the native core tell while the server has listeners of `clientError`; answers with what ends that. */
export function followListeners(server: Server): () => void {
  // The channel may have had subscribers before this module was loaded.
  update();
  let own = 0;
  const change = (by: number) => (name: string | symbol) => {
    if (name !== EVENT) return;
    own += by;
    listening += by;
    update();
  };
  const [added, removed] = [change(1), change(-1)];
  server.on('newListener', added);
  server.on('removeListener', removed);
  return () => {
    server.off('newListener', added);
    server.off('removeListener', removed);
    listening -= own;
    own = 0;
    update();
  };
}
