// A `fetch` handler, the same for both kinds of Response.
import { BIG, DOCUMENT, TEXT } from './answers.mjs';

const text = { headers: { 'Content-Type': 'text/plain' } };
const json = { headers: { 'Content-Type': 'application/json' } };
const bytes = { headers: { 'Content-Type': 'application/octet-stream' } };

/** The handler whose answers are made by a class. */
export function fetchHandler(Response) {
  return async function fetch(request, { req }) {
    // req.path, because a URL object for each request would be the dearest line of the handler.
    switch (req.path) {
      case '/':
        return new Response(TEXT, text);
      case '/json':
        return new Response(JSON.stringify(DOCUMENT), json);
      case '/upload':
        return new Response(String((await request.arrayBuffer()).byteLength), text);
      case '/big':
        return new Response(BIG, bytes);
      default:
        return new Response(null, { status: 404 });
    }
  };
}
