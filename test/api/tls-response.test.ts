import '../support/over-tls.js';
import './server-response.test.js';
