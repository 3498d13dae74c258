/** A function that an option holds; its signature is its owner's affair. */
export type AnyFunction = (...args: never[]) => unknown;

/** PEM text, the name of a file, or bytes of PEM or DER. */
export type Material = string | Uint8Array | URL;

interface RowOf<Name extends string> {
  readonly name: Name;
  readonly default: unknown;
  /** Whether it can change while its owner runs. */
  readonly reloadable?: boolean;
}

/** A number from `min` to `max`, whole where it is an `integer`; where `nullable`, null means no limit. */
export interface NumberRow<Name extends string = string> extends RowOf<Name> {
  readonly type: 'integer' | 'number';
  readonly min: number;
  readonly max: number;
  readonly nullable?: boolean;
}

/** One of a few words or numbers. */
export interface EnumRow<Name extends string = string> extends RowOf<Name> {
  readonly type: 'enum';
  readonly values: readonly (string | number)[];
}

/**
 * A value that its type says all about: `any` is what somebody else judges, `functions` is a list of them, `switch` true, false or a function, `texts` an
 * object of texts, `service` an object or a function that stands for one, `responses` material or a function, `route` a
 * proxy or several.
 */
export interface PlainRow<Name extends string = string> extends RowOf<Name> {
  readonly type:
    | 'any'
    | 'boolean'
    | 'string'
    | 'function'
    | 'signal'
    | 'functions'
    | 'switch'
    | 'strings'
    | 'objects'
    | 'object'
    | 'route'
    | 'credentials'
    | 'material'
    | 'responses'
    | 'service'
    | 'texts';
}

/** A list of texts; where `values` are given, of some of them. */
export interface ListRow<Name extends string = string> extends RowOf<Name> {
  readonly type: 'list';
  readonly values?: readonly string[];
}

/** A switch that may hold options of its own, which their owner checks: true, false or an object. */
export interface SettingsRow<Name extends string = string> extends RowOf<Name> {
  readonly type: 'settings';
}

/** What the table says about one option. */
export type OptionRow<Name extends string = string> =
  NumberRow<Name> | EnumRow<Name> | PlainRow<Name> | ListRow<Name> | SettingsRow<Name>;

/** The options of one function; `Values` is what they are when defaults have been filled in. */
export interface OptionTable<Values extends object> {
  /** The name of the function, as messages begin. */
  readonly owner: string;
  /** Of each list, one option must be given. */
  readonly required: readonly (readonly (keyof Values & string)[])[];
  /** Of each list, at most one option may be given. */
  readonly exclusive: readonly (readonly (keyof Values & string)[])[];
  readonly rows: readonly OptionRow<keyof Values & string>[];
}
