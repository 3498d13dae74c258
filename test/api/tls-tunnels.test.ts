import '../support/over-tls.js';
import './server-tunnels.test.js';
