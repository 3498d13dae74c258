// Ours with a handler that returns a promise.
import { BIG, DOCUMENT, TEXT } from './answers.mjs';
import { attend } from '../attend.mjs';
import { millrace } from '../millrace.mjs';

async function handler(req, res) {
  switch (req.path) {
    case '/':
      res.setHeader('Content-Type', 'text/plain');
      res.end(TEXT);
      return;
    case '/json':
      res.setHeader('Content-Type', 'application/json');
      res.end(JSON.stringify(DOCUMENT));
      return;
    case '/upload': {
      const body = await req.bytes();
      res.setHeader('Content-Type', 'text/plain');
      res.end(String(body.length));
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
}

const server = await millrace().serve({ port: 0, host: '127.0.0.1', handler });
attend(server.port);
