/** A folder as a web site: its files, `index.html` for a folder that has one, a listing for one that has none. */
import type { ServerRequest, ServerResponse, StaticFolder, StaticHandler } from '../../index.js';
import { serveStatic } from '../../index.js';
import { listing } from './listing.js';

/** The handler that serves what is in a folder and nothing else. */
export function folderHandler(root: string): StaticHandler {
  return serveStatic(root, { onFolder: sendListing });
}

async function sendListing(_req: ServerRequest, res: ServerResponse, folder: StaticFolder): Promise<void> {
  const page = await listing(folder);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.end(page);
}
