import { createWriteStream, existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { once } from 'node:events';

import type { ClientResponse } from '../index.js';
import { Client } from '../index.js';
import { parsed } from './command-line.js';
import { Complaint, complaintOf } from './complaint.js';
import { inColour } from './json-colour.js';
import { Progress } from './progress.js';

export const GET_HELP = `  millrace get <url> [options]          requests a URL and writes the body
      -o, --output FILE    writes to a file; with -O under the name that the URL ends with
      -C, --continue       goes on with a file that is there in part
      -X, --request NAME   the method
      -d, --data TEXT      a body; the method is POST then
      -H, --header FIELD   a field, "Name: value"; may be given again
      -x, --proxy URL      through a proxy
      -I, --head           asks for the head alone
      -i, --include        writes the response's head before the body
      -v, --verbose        tells what took how long, to standard error
      -k, --insecure       takes any certificate
      -m, --timeout MS     for all of it`;

/** The command line of `millrace get`. */
export async function getCommand(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  const [url] = positionals;
  if (url === undefined || positionals.length > 1) throw new Complaint('get: needs one URL', 2);
  const file =
    values.output ?? (values.O === true ? basename(new URL(absolute(url)).pathname) || 'index.html' : undefined);
  const from = values.continue === true && file !== undefined && existsSync(file) ? statSync(file).size : 0;
  const client = new Client({
    ...(values.proxy === undefined ? null : { proxy: values.proxy }),
    ...(values.insecure === true ? { tls: { rejectUnauthorized: false } } : null),
  });
  try {
    const method = values.request ?? (values.head === true ? 'HEAD' : values.data !== undefined ? 'POST' : 'GET');
    const response = await client.request(absolute(url), {
      method,
      headers: [
        ...(values.header ?? []).map(fieldOf),
        ...(from > 0 ? ([['Range', `bytes=${from}-`]] as [string, string][]) : []),
      ],
      maxResponseSize: null,
      // A part of a coded body is of no use without what came before.
      decompress: from === 0,
      ...(values.data === undefined ? null : { body: values.data }),
      ...(values.timeout === undefined ? null : { timeouts: { total: numberOf(values.timeout) } }),
    });
    if (values.include === true || values.head === true) process.stdout.write(headOf(response));
    await save(response, file, from);
    if (values.verbose === true) process.stderr.write(timesOf(response));
    if (response.status >= 400) process.exitCode = 1;
  } catch (error) {
    throw complaintOf(error);
  } finally {
    await client.close();
  }
}

function parse(args: string[]) {
  return parsed(
    {
      args,
      allowPositionals: true,
      options: {
        output: { type: 'string', short: 'o' },
        O: { type: 'boolean', short: 'O' },
        continue: { type: 'boolean', short: 'C' },
        request: { type: 'string', short: 'X' },
        data: { type: 'string', short: 'd' },
        header: { type: 'string', short: 'H', multiple: true },
        proxy: { type: 'string', short: 'x' },
        head: { type: 'boolean', short: 'I' },
        include: { type: 'boolean', short: 'i' },
        verbose: { type: 'boolean', short: 'v' },
        insecure: { type: 'boolean', short: 'k' },
        timeout: { type: 'string', short: 'm' },
      },
    },
    (said) => `get: ${said}`,
  );
}

/** A URL without a scheme is one of http. */
function absolute(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`;
}

function fieldOf(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon <= 0) throw new Complaint(`get: a header must be "Name: value", got ${JSON.stringify(text)}`, 2);
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}

function numberOf(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new Complaint(`get: --timeout takes milliseconds, got ${JSON.stringify(text)}`, 2);
  return number;
}

function headOf(response: ClientResponse): string {
  const lines = [`HTTP/${response.httpVersion} ${response.status} ${response.statusText}`];
  for (const [name, value] of response.headers) lines.push(`${name}: ${value}`);
  return `${lines.join('\n')}\n\n`;
}

async function save(response: ClientResponse, file: string | undefined, from: number): Promise<void> {
  const type = response.headers.get('content-type') ?? '';
  if (file === undefined && process.stdout.isTTY && /\bjson\b/.test(type)) {
    process.stdout.write(`${inColour(await response.text())}\n`);
    return;
  }
  if (from > 0 && response.status === 416) return response.dump();
  const goesOn = from > 0 && response.status === 206;
  const target = file === undefined ? process.stdout : createWriteStream(file, { flags: goesOn ? 'a' : 'w' });
  const length = Number(response.headers.get('content-length') ?? NaN);
  const progress = file !== undefined && process.stderr.isTTY ? new Progress(goesOn ? from : 0, length) : null;
  for await (const chunk of response.body) {
    progress?.add(chunk.byteLength);
    if (!target.write(chunk)) await once(target, 'drain');
  }
  progress?.end();
  if (file !== undefined)
    await new Promise<void>((resolve, reject) =>
      target.end((error?: Error | null) => (error ? reject(error) : resolve())),
    );
}

function timesOf({ timings, status, redirects }: ClientResponse): string {
  const rows = Object.entries(timings.toJSON()).filter(([, time]) => typeof time === 'number');
  const lines = rows.map(([phase, time]) => `  ${phase.padEnd(8)} ${(time as number).toFixed(1).padStart(9)} ms`);
  return `status ${status}, ${redirects} redirects${timings.reused ? ', a connection that was there' : ''}\n${lines.join('\n')}\n`;
}
