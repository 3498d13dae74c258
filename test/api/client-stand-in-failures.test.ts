// A function in place of the network that fails, breaks the rules, or is given up.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { DispatchFunction, DispatchReceiver, ExchangeControl } from '../../ts/index.js';
import { Client, ClientResponse } from '../../ts/index.js';
import { deferred } from '../support/condition.js';
import { GONE, URL_, echo, held } from '../support/stand-in.js';

describe('what goes wrong', () => {
  const asks = (dispatch: DispatchFunction, options = {}): Promise<ClientResponse> =>
    new Client({ dispatch }).request(URL_, options);

  test('what it throws, rejects with or tells is the request’s failure, and fetch’s cause', async () => {
    const throwing: DispatchFunction = () => {
      throw GONE;
    };
    await expect(asks(throwing)).rejects.toBe(GONE);
    await expect(asks(() => Promise.reject(GONE) as never)).rejects.toBe(GONE);
    await expect(asks((_request, handler) => handler.onError(GONE))).rejects.toBe(GONE);
    await expect(new Client({ dispatch: throwing }).fetch(URL_)).rejects.toMatchObject({ cause: GONE });
  });

  test('an error in the middle of the body is the reader’s', async () => {
    const response = await asks((_request, handler) => {
      handler.onResponse({ status: 200 });
      handler.onData('half');
      handler.onError(GONE);
    });
    await expect(response.text()).rejects.toBe(GONE);
  });

  test('what comes after the end, or after an error, is ignored', async () => {
    let late: DispatchReceiver | undefined;
    const response = await asks((request, handler, next) => {
      late = handler;
      echo(request, handler, next);
      handler.onData('more');
      handler.onEnd({ A: '1' });
      handler.onError(GONE);
      handler.onResponse({ status: 500 });
    });
    expect([response.status, await response.text(), await response.trailers]).toEqual([200, `GET ${URL_}`, null]);
    expect(late?.onData('x')).toBe(false);
    const failing = asks((_request, handler) => {
      handler.onError(GONE);
      handler.onResponse({ status: 200 });
      handler.onEnd();
      throw new Error('another');
    });
    await expect(failing).rejects.toBe(GONE);
  });

  test.each<[string, DispatchFunction, RegExp]>([
    ['data before the head', (_request, handler) => void handler.onData('x'), /onData was called before onResponse/],
    ['the end before the head', (_request, handler) => handler.onEnd(), /onEnd was called before onResponse/],
    ['a status of 100', (_request, handler) => handler.onResponse({ status: 100 }), /from 200 to 999, got 100/],
    ['no status', (_request, handler) => handler.onResponse({} as never), /from 200 to 999, got undefined/],
    [
      'a reason of two lines',
      (_request, handler) => handler.onResponse({ status: 200, statusText: 'a\r\nb' }),
      /reason phrase/,
    ],
  ])('%s is refused', async (_name, dispatch, message) => {
    await expect(asks(dispatch)).rejects.toMatchObject({ code: 'MILLRACE_DISPATCH_INVALID' });
    await expect(asks(dispatch)).rejects.toThrow(message);
  });

  test('two heads, and a chunk that is none, end the body', async () => {
    const twice = await asks((_request, handler) => {
      handler.onResponse({ status: 200 });
      handler.onResponse({ status: 200 });
    });
    await expect(twice.text()).rejects.toThrow(/onResponse was called twice/);
    const odd = await asks((_request, handler) => {
      handler.onResponse({ status: 200 });
      handler.onData(1 as never);
    });
    await expect(odd.text()).rejects.toThrow(/onData needs bytes or text, got 1/);
  });

  test('fields that could split a head are refused', async () => {
    const dispatch: DispatchFunction = (_request, handler) =>
      handler.onResponse({ status: 200, headers: { A: 'b\r\nC: d' } });
    await expect(asks(dispatch)).rejects.toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT' });
  });
});

test.each(['onResponse', 'onData', 'onEnd'] as const)(
  'what a handler throws in %s comes back by onError, once',
  async (name) => {
    const source = createServer((_request, response) => response.end('whole'));
    await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
    const real = `http://127.0.0.1:${(source.address() as AddressInfo).port}`;
    for (const options of [{}, { dispatch: echo }]) {
      const client = new Client(options);
      const errors: unknown[] = [];
      const told = deferred();
      const calls: string[] = [];
      client.dispatch(
        { url: real },
        {
          onResponse: () => void calls.push('onResponse'),
          onData: () => void calls.push('onData'),
          onEnd: () => void calls.push('onEnd'),
          onError: (error) => (errors.push(error), told.resolve()),
          [name]: () => {
            calls.push(name);
            throw GONE;
          },
        },
      );
      await told.promise;
      await new Promise(setImmediate);
      expect(errors).toEqual([GONE]);
      const all = ['onResponse', 'onData', 'onEnd'];
      expect(calls).toEqual(all.slice(0, all.indexOf(name) + 1));
      await client.close();
    }
    source.closeAllConnections();
    source.close();
  },
);

describe('it is given up', () => {
  test('by a signal before it is asked, while it thinks, and in the body', async () => {
    const { fn, asked } = held();
    const client = new Client({ dispatch: fn });
    await expect(client.request(URL_, { signal: AbortSignal.abort('early') })).rejects.toMatchObject({
      name: 'AbortError',
      cause: 'early',
    });
    const controller = new AbortController();
    const waiting = client.request(URL_, { signal: controller.signal });
    const { request, handler } = await asked;
    expect(request.signal).toBe(controller.signal);
    controller.abort('late');
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: 'late' });
    handler.onResponse({ status: 200 });

    const other = new AbortController();
    const aborted: unknown[] = [];
    const third = new Client({
      dispatch: (_request, receiver) => {
        receiver.onResponse({ status: 200 });
        receiver.onData('half');
        return { abort: (reason) => void aborted.push(reason) };
      },
    });
    const response = await third.request(URL_, { signal: other.signal });
    other.abort(GONE);
    await expect(response.text()).rejects.toMatchObject({ name: 'AbortError', cause: GONE });
    expect(aborted).toMatchObject([{ name: 'AbortError' }]);
  });

  test('by the control of dispatch, once, whatever it does about it', () => {
    const reasons: unknown[] = [];
    const dispatch: DispatchFunction = (_request, handler) => ({
      abort: (reason) => {
        reasons.push(reason);
        handler.onError(new Error('its own'));
      },
    });
    const errors: unknown[] = [];
    const control = new Client({ dispatch }).dispatch(
      { url: URL_ },
      {
        onResponse: () => undefined,
        onData: () => undefined,
        onEnd: () => undefined,
        onError: (error) => void errors.push(error),
      },
    );
    control.abort(GONE);
    control.abort(GONE);
    expect(reasons).toEqual([GONE]);
    expect(errors).toMatchObject([{ message: 'its own' }]);
    expect(control.aborted).toBe(true);
  });

  test('by timeouts.total', async () => {
    const waiting = new Client({ dispatch: () => undefined }).request(URL_, { timeouts: { total: 20 } });
    await expect(waiting).rejects.toMatchObject({
      code: 'MILLRACE_TOTAL_TIMEOUT',
      limit: { option: 'timeouts.total', value: 20 },
    });
  });

  test('by one who does not want the body: a small rest is taken, of a large one it is told to stop', async () => {
    let stopped: unknown[] = [];
    const dispatch: DispatchFunction = (_request, handler) => {
      let sent = 0;
      const control: Partial<ExchangeControl> = {
        abort: (reason) => void stopped.push(reason),
        resume: () => {
          while (sent < 200 && handler.onData(Buffer.alloc(1024))) sent++;
          if (sent === 200) handler.onEnd();
        },
      };
      handler.onResponse({ status: 200 }, control);
      control.resume?.();
    };
    const client = new Client({ dispatch });
    await (await client.request(URL_)).dump(1 << 20);
    expect(stopped).toEqual([]);
    await (await client.request(URL_)).dump();
    expect(stopped).toHaveLength(1);
    stopped = [];
    for await (const chunk of (await client.request(URL_)).body) {
      expect(chunk.byteLength).toBe(1024);
      break;
    }
    expect(stopped).toHaveLength(1);
  });
});
