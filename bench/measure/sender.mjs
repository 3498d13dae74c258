// Which program sends the requests of a case: bench/load/steady.c, where it can, or wrk.
import * as steady from './steady.mjs';
import * as wrk from './wrk.mjs';

/** { warm(core, load, seconds), measure(core, pids, load, seconds) } for a load that names `steady` or a `script`. */
export const senderOf = (load) => (load.steady ? steady : wrk);
