// The cases: what load a server is put under. Idle memory, which has no load, is in idle.mjs.
import { UPLOAD_BYTES, BIG } from './answers.mjs';

/** name → { title, what, load }; `load` is what measure/wrk.mjs sends, with a path in place of the URL. */
export const CASES = {
  plain: {
    title: 'Plain text, 64 connections',
    what: '`GET /`, 13 bytes of text; the next request follows the answer.',
    load: { path: '/', connections: 64, script: 'outcome' },
  },
  pipelined: {
    title: 'Pipelined, 64 connections × 16 requests',
    what: 'The same, 16 requests in one write.',
    load: { path: '/', connections: 64, script: 'pipelined' },
  },
  json: {
    title: 'JSON, 4 KiB',
    what: '`GET /json`; the document is serialized by `JSON.stringify` for each request.',
    load: { path: '/json', connections: 64, script: 'outcome' },
  },
  upload: {
    title: `Upload, ${UPLOAD_BYTES / 1024} KiB`,
    what: '`POST /upload`; the body is collected whole, its length is the answer.',
    load: { path: '/upload', connections: 64, script: 'upload' },
  },
  big: {
    title: `Download, ${BIG.length / (1 << 20)} MiB`,
    what: '`GET /big`, from one Buffer that stays the same.',
    load: { path: '/big', connections: 64, script: 'outcome' },
  },
  'connections-5000': {
    title: 'Plain text, 5 000 connections',
    what: '`GET /`; counted in a window that opens when all connections have been accepted.',
    load: { path: '/', connections: 5_000, script: 'window' },
  },
};

/** The name of the case that opens connections and sends nothing. */
export const IDLE = 'idle';

/** Every name that `--only` knows. */
export const CASE_NAMES = [...Object.keys(CASES), IDLE];
