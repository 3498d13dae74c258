// node:http, as its documentation writes it.
import { createServer } from 'node:http';
import { BIG, DOCUMENT, TEXT } from './answers.mjs';
import { attend } from '../attend.mjs';

const server = createServer((req, res) => {
  switch (req.url) {
    case '/':
      res.setHeader('Content-Type', 'text/plain');
      res.end(TEXT);
      return;
    case '/json':
      res.setHeader('Content-Type', 'application/json');
      res.end(JSON.stringify(DOCUMENT));
      return;
    case '/upload': {
      const chunks = [];
      req.on('data', (chunk) => chunks.push(chunk));
      req.on('end', () => {
        res.setHeader('Content-Type', 'text/plain');
        res.end(String(Buffer.concat(chunks).length));
      });
      return;
    }
    case '/big':
      res.setHeader('Content-Type', 'application/octet-stream');
      res.end(BIG);
      return;
    default:
      res.statusCode = 404;
      res.end();
  }
});

// As ours: by default idle ones are closed after five seconds, while they are being counted.
server.keepAliveTimeout = 65_000;
server.listen(0, '127.0.0.1', () => attend(server.address().port));
