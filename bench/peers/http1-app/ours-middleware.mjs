// The middlewares of the program, as `serve` takes them; the same for both kinds of handler.
import * as model from './model.mjs';

const unauthorized = JSON.stringify(model.UNAUTHORIZED);

export const middleware = [
  (req, res, next) => {
    res.setHeader('X-Request-Id', req.headers.get('x-request-id') ?? model.newId());
    return next();
  },
  (req, res, next) => {
    for (const [name, value] of model.BROWSER_FIELDS) res.setHeader(name, value);
    return next();
  },
  (req, res, next) => {
    if (req.headers.get('origin') === model.ORIGIN) {
      res.setHeader('Access-Control-Allow-Origin', model.ORIGIN);
      res.setHeader('Vary', 'Origin');
    }
    return next();
  },
  (req, res, next) => {
    if (req.headers.get('authorization') === model.AUTHORIZATION) return next();
    res.statusCode = 401;
    res.setHeader('Content-Type', model.JSON_TYPE);
    res.end(unauthorized);
  },
];
