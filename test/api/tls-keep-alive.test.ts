import '../support/over-tls.js';
import './server-keep-alive.test.js';
