import { SERVER_OPTIONS } from '../options/server.generated.js';
import type { OptionRow, OptionTable } from '../options/table.js';
import { validateOptions } from '../options/validate.js';

/** Limits of one request, in place of its server's; what is left out stays as it is. */
export interface RequestLimits {
  /** Body bytes, or null for no limit: in place of `maxBodySize`. */
  bodySize?: number | null | undefined;
  /** Milliseconds between two reads of body bytes. */
  bodyTimeout?: number | undefined;
  /** Milliseconds for the whole request, from its first byte. */
  requestTimeout?: number | undefined;
  /** Bytes a second of the body; 0: off. */
  minReceiveRate?: number | undefined;
}

interface RequestLimitValues {
  readonly bodySize: number | null;
  readonly bodyTimeout: number;
  readonly requestTimeout: number;
  readonly minReceiveRate: number;
}

/** The range of the server's option; the default tells the native core to leave the limit as it is. */
function row(name: keyof RequestLimitValues, option: string): OptionRow<keyof RequestLimitValues> {
  const found = SERVER_OPTIONS.rows.find((row) => row.name === option) as OptionRow;
  return { ...found, name, default: NaN };
}

const TABLE: OptionTable<RequestLimitValues> = {
  owner: 'setLimits',
  required: [],
  exclusive: [],
  rows: [
    row('bodySize', 'maxBodySize'),
    row('bodyTimeout', 'bodyTimeout'),
    row('requestTimeout', 'requestTimeout'),
    row('minReceiveRate', 'minReceiveRate'),
  ],
};

/** Checks what was given to `setLimits`. NaN: leave it; a negative number: no limit. */
export function requestLimits(given: RequestLimits): [number, number, number, number] {
  const { bodySize, bodyTimeout, requestTimeout, minReceiveRate } = validateOptions(TABLE, given);
  return [bodySize ?? -1, bodyTimeout, requestTimeout, minReceiveRate];
}
