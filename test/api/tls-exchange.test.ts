import '../support/over-tls.js';
import './server-exchange.test.js';
