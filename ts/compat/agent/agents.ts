import { Agent as NodeHttpAgent } from 'node:http';
import type { AgentOptions as NodeHttpAgentOptions } from 'node:http';
import { Agent as NodeHttpsAgent } from 'node:https';
import type { AgentOptions as NodeHttpsAgentOptions } from 'node:https';
import type { Socket as NodeSocket } from 'node:net';

import { checkAgentOptions } from '../../index.js';
import { AgentSocket } from './agent-socket.js';
import type { ConnectionRequest, DialOptions } from './dialler.js';
import { Dialler } from './dialler.js';
import { TlsChooser } from './tls-chooser.js';

/** Node's options of an agent, and how it connects. */
export interface HttpAgentOptions extends NodeHttpAgentOptions, Omit<DialOptions, 'tls'> {}

/** As `HttpAgentOptions`, with Node's options of TLS, or a `TlsContext` instead of them. */
export interface HttpsAgentOptions extends NodeHttpsAgentOptions, DialOptions {}

/**
 * Node's `http.Agent`, for `http:` URLs: its pool, its limits and its scheduling; connections are made by `connect`,
 * through the proxies of the option `proxy`. HTTP proxies are asked for a tunnel (CONNECT) here too.
 */
export class HttpAgent extends NodeHttpAgent {
  readonly #dialler: Dialler;

  constructor(options: HttpAgentOptions = {}) {
    checkAgentOptions(options, false);
    super(forNode(options));
    this.#dialler = new Dialler('http', options);
  }

  override createConnection(request: object): NodeSocket {
    const wanted = request as ConnectionRequest;
    return asNode(new AgentSocket(wanted, false, (signal) => this.#dialler.dial(wanted, false, signal)));
  }
}

/**
 * Node's `https.Agent`, for `https:` URLs: as {@link HttpAgent}, with TLS by millrace. Node's options of TLS hold, of the
 * agent and of the request; one that millrace cannot keep is refused, never passed over.
 */
export class HttpsAgent extends NodeHttpsAgent {
  readonly #dialler: Dialler;
  readonly #tls: TlsChooser;

  constructor(options: HttpsAgentOptions = {}) {
    checkAgentOptions(options, true);
    // As Node's own agent: HTTP/1.1 is what is spoken here.
    super({ ALPNProtocols: ['http/1.1'], ...forNode(options) });
    this.#dialler = new Dialler('https', options);
    this.#tls = new TlsChooser(options.tls);
    this.#tls.check(options);
  }

  override createConnection(request: object): NodeSocket {
    const wanted = request as ConnectionRequest;
    return asNode(
      new AgentSocket(wanted, true, async (signal) =>
        this.#dialler.dial(wanted, await this.#tls.contextFor(wanted), signal),
      ),
    );
  }
}

/** What Node's agent is told, and keeps where everybody can see it: never the proxy, whose URL may hold a password. */
function forNode<T extends DialOptions>({ proxy: _, timeouts: _timeouts, tls: _tls, userTimeout: _user, ...rest }: T) {
  return rest;
}

/** It has what Node's HTTP client and its users ask of a `net.Socket`. */
function asNode(socket: AgentSocket): NodeSocket {
  return socket as unknown as NodeSocket;
}
