// What a function in place of the network says, as a response.
import type { DispatchFunction } from '../../ts/index.js';
import { Client, HeaderView } from '../../ts/index.js';
import { URL_, echo, held } from '../support/stand-in.js';

describe('what a response is made of', () => {
  test('a body in pieces, read as it comes, and trailers', async () => {
    const { fn, asked } = held();
    const waiting = new Client({ dispatch: fn }).request(URL_);
    const { handler } = await asked;
    handler.onResponse({
      status: 201,
      statusText: 'Made',
      headers: [
        ['A', '1'],
        ['A', '2'],
      ],
    });
    const response = await waiting;
    expect([response.status, response.statusText, response.headers.raw]).toEqual([201, 'Made', ['A', '1', 'A', '2']]);
    const chunks = response.body[Symbol.asyncIterator]();
    handler.onData('one');
    expect(Buffer.from((await chunks.next()).value as Uint8Array).toString()).toBe('one');
    const second = chunks.next();
    handler.onData(Buffer.from('two'));
    expect(Buffer.from((await second).value as Uint8Array).toString()).toBe('two');
    const last = chunks.next();
    handler.onEnd({ 'X-Sum': '6' });
    expect((await last).done).toBe(true);
    expect((await response.trailers)?.get('x-sum')).toBe('6');
  });

  test('what comes before anybody reads is kept; one that is held back is asked again by resume', async () => {
    const { fn, asked } = held();
    const waiting = new Client({ dispatch: fn }).request(URL_);
    const { handler } = await asked;
    let resumed = 0;
    handler.onResponse({ status: 200 }, { resume: () => (resumed++, handler.onData('b'), handler.onEnd()) });
    expect(handler.onData('a')).toBe(false);
    const response = await waiting;
    expect(resumed).toBe(0);
    expect(await response.text()).toBe('ab');
    expect(resumed).toBe(1);
  });

  test('one that does not care to be held back loses nothing', async () => {
    const dispatch: DispatchFunction = (_request, handler) => {
      handler.onResponse({ status: 200 });
      for (let count = 0; count < 100; count++) handler.onData(`${count},`);
      handler.onEnd(new HeaderView('T\x001\0'));
    };
    const response = await new Client({ dispatch }).request(URL_);
    expect(await response.text()).toBe(Array.from({ length: 100 }, (_, count) => `${count},`).join(''));
    expect((await response.trailers)?.raw).toEqual(['T', '1']);
  });

  test('informational responses come before it', async () => {
    const told: unknown[] = [];
    const dispatch: DispatchFunction = (request, handler, next) => {
      handler.onInformational(103, { Link: '</a>' });
      echo(request, handler, next);
    };
    const onInformational = (status: number, headers: HeaderView): void => void told.push(status, headers.get('link'));
    await (await new Client({ dispatch, onInformational }).request(URL_)).text();
    expect(told).toEqual([103, '</a>']);
  });

  test('codings are undone, sizes bounded, statuses thrown as with the network', async () => {
    const { gzipSync } = process.getBuiltinModule('node:zlib');
    const dispatch: DispatchFunction = (_request, handler) => {
      handler.onResponse({ status: 500, headers: { 'Content-Encoding': 'gzip' } });
      handler.onData(gzipSync('x'.repeat(1_000)));
      handler.onEnd();
    };
    const client = new Client({ dispatch });
    expect((await (await client.request(URL_)).text()).length).toBe(1_000);
    expect((await (await client.request(URL_, { maxResponseSize: 1_000 })).text()).length).toBe(1_000);
    await expect((await client.request(URL_, { maxResponseSize: 999 })).text()).rejects.toMatchObject({
      code: 'MILLRACE_RESPONSE_TOO_LARGE',
    });
    await expect(client.request(URL_, { throwOnError: true })).rejects.toMatchObject({ status: 500 });
  });

  test('a redirect is followed, a failure retried, each a call of its own', async () => {
    const urls: string[] = [];
    const dispatch: DispatchFunction = ({ url, body }, handler) => {
      urls.push(`${url}${typeof body === 'string' ? ` ${body}` : ''}`);
      if (url.endsWith('/path')) handler.onResponse({ status: 307, headers: { Location: '/other' } });
      else handler.onResponse({ status: urls.length < 3 ? 503 : 200 });
      handler.onEnd();
    };
    const client = new Client({ dispatch, retry: { minDelay: 1, maxDelay: 1 } });
    const response = await client.put(URL_, { body: 'b' });
    expect([response.status, response.redirects]).toEqual([200, 1]);
    const both = ['http://nobody.invalid/path b', 'http://nobody.invalid/other b'];
    expect(urls).toEqual([...both, ...both]);
  });
});
