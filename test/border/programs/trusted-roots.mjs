// Connects to a server of the loopback with the roots that are named, and says whether it was trusted.
import { connect } from '../../../dist/index.mjs';

const [port, roots] = process.argv.slice(2);
try {
  const tls = { roots, servername: 'localhost' };
  const socket = await connect({ host: '127.0.0.1', port: Number(port), tls });
  socket.destroy();
  console.log('trusted');
} catch (error) {
  console.log(error.code);
}
