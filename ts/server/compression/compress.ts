import type { Next } from '../middleware.js';
import type { ServerRequest } from '../request.js';
import type { ServerResponse } from '../response.js';
import { CompressedBody } from './compressed-body.js';
import type { CompressionOptions, CompressionSettings } from './options.js';
import { compressionSettings } from './options.js';

/** Has the response that is made by what comes after compressed, where client and content suit. */
export type Compress = (req: ServerRequest, res: ServerResponse, next?: Next) => unknown;

/**
 * Response compression for some requests: call what it gives before the response's head leaves. For all requests of a
 * server there is the option `compression` of `serve`.
 */
export function compress(options: CompressionOptions = {}): Compress {
  const load = compressionSettings(options);
  let settings: CompressionSettings | undefined;
  let loading: Promise<CompressionSettings> | undefined;
  const install = (req: ServerRequest, res: ServerResponse, loaded: CompressionSettings, next?: Next): unknown => {
    res.codeBody(new CompressedBody(req, res, loaded));
    return next?.();
  };
  return (req, res, next) => {
    if (settings !== undefined) return install(req, res, settings, next);
    loading ??= load().then((loaded) => (settings = loaded));
    return loading.then((loaded) => install(req, res, loaded, next));
  };
}
