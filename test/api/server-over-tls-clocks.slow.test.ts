import { runOverTls } from '../support/over-tls.js';

// Those that wait for clocks. What is left out is explained in server-over-tls.slow, or takes seconds and is the same.
runOverTls({
  'server-life': [
    'PROXY protocol (%s) says who the client is',
    'connections over maxConnections get 503, and are counted',
    'close({ timeout: %p }) waits for as long as it takes',
  ],
  'server-limits-changed': [
    'reload: limits of connections hold for those that come',
    'reload names what cannot change, and then changes nothing',
    'setLimits({ minReceiveRate }): 0 lets a request be as slow as it likes',
  ],
  'server-timeouts': [],
  'server-timeouts-rates': [],
});
