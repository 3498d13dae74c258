// Every suite, by its name.
import { client } from './client/main.mjs';
import { http1 } from './http1/main.mjs';
import { http1App } from './http1-app/main.mjs';
import { relay } from './relay/main.mjs';
import { staticFiles } from './static/main.mjs';
import { tcp } from './tcp/main.mjs';
import { tls } from './tls/main.mjs';

export const SUITES = { http1, 'http1-app': http1App, static: staticFiles, tls, relay, tcp, client };
