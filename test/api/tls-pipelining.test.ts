import '../support/over-tls.js';
import './server-pipelining.test.js';
