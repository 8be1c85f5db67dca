import type { ScalarTypeName, SqlType } from "../ast.ts";

/**
 * The conversions of CAST and SAFE_CAST: one macro for each target type, `bq_cast_T` and `bq_safe_cast_T`. A macro
 * dispatches on `typeof`, which DuckDB settles while it binds. Texts are tested against BigQuery's grammar first,
 * because DuckDB reads more ('1_000', 'infinity', 'yes').
 */
type Conversion = {
  target: ScalarTypeName;
  /** For each source type, as DuckDB names it: the converted value, and what a value must fulfil to have one. */
  sources: Readonly<Record<string, { convert: string; when?: string; message?: string }>>;
};

const text = "CAST(x AS VARCHAR)";
const blob = `TRY_CAST(${text} AS BLOB)`;
const integerText = String.raw`^\s*[+-]?(0[xX][0-9a-fA-F]+|[0-9]+)\s*$`;
const floatText = String.raw`^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$|^\s*[+-]?(?i:inf|infinity)\s*$`;
const dateText = "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$";
const datetimeText = String.raw`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]{1,6})?)?$`;
const zone = String.raw` ?([Zz]|[+-][0-9]{1,2}(:?[0-9]{2})?|[A-Za-z_]+(/[A-Za-z0-9_+-]+)*)`;
const timestampText = datetimeText.replace(/\$$/, `(${zone})?$`);

const matches = (pattern: string): string => `regexp_matches(${text}, '${pattern}')`;
const same = { convert: "x" };
const textual = (pattern: string, convert: string, name: string) => ({
  convert,
  when: matches(pattern),
  message: `'Invalid ${name}: ''' || ${text} || ''''`,
});

const conversions: readonly Conversion[] = [
  {
    target: "STRING",
    sources: {
      VARCHAR: { convert: text },
      BIGINT: { convert: text },
      BOOLEAN: { convert: text },
      DATE: { convert: text },
      DOUBLE: { convert: `bq_float_text(TRY_CAST(${text} AS DOUBLE))` },
      "DECIMAL(38,9)": { convert: String.raw`regexp_replace(${text}, '\.?0+$', '')` },
      TIMESTAMP: { convert: `bq_clock_text(TRY_CAST(${text} AS TIMESTAMP))` },
      "TIMESTAMP WITH TIME ZONE": {
        convert: `bq_clock_text(timezone('UTC', TRY_CAST(${text} AS TIMESTAMPTZ))) || '+00'`,
      },
      BLOB: {
        convert: `decode(${blob}, 'ignore')`,
        // Nothing is ignored where all is UTF-8.
        when: `octet_length(encode(decode(${blob}, 'ignore'))) = octet_length(${blob})`,
        message: "'Invalid cast of bytes to UTF8 string'",
      },
    },
  },
  {
    target: "INT64",
    sources: {
      BIGINT: same,
      VARCHAR: textual(integerText, `trim(${text})`, "INT64 value"),
      BOOLEAN: same,
      // DuckDB rounds halves of a DOUBLE to even numbers, BigQuery away from zero.
      DOUBLE: { convert: `round(TRY_CAST(${text} AS DOUBLE))` },
      "DECIMAL(38,9)": same,
    },
  },
  {
    target: "FLOAT64",
    sources: {
      DOUBLE: same,
      BIGINT: same,
      "DECIMAL(38,9)": same,
      VARCHAR: {
        ...textual(floatText, `trim(${text})`, "FLOAT64 value"),
        // A number too large for a FLOAT64 is no value; DuckDB makes it infinite.
        when: `${matches(floatText)} AND (contains(lower(${text}), 'inf') OR NOT isinf(TRY_CAST(trim(${text}) AS DOUBLE)))`,
      },
    },
  },
  {
    target: "NUMERIC",
    sources: {
      "DECIMAL(38,9)": same,
      BIGINT: same,
      DOUBLE: same,
      VARCHAR: textual(floatText, `trim(${text})`, "NUMERIC value"),
    },
  },
  {
    target: "BOOL",
    sources: {
      BOOLEAN: same,
      BIGINT: same,
      VARCHAR: textual("^(?i:true|false)$", text, "BOOL value"),
    },
  },
  { target: "BYTES", sources: { BLOB: same, VARCHAR: { convert: `encode(${text})` } } },
  {
    target: "DATE",
    sources: {
      DATE: same,
      TIMESTAMP: same,
      "TIMESTAMP WITH TIME ZONE": { convert: `timezone('UTC', TRY_CAST(${text} AS TIMESTAMPTZ))` },
      VARCHAR: textual(dateText, text, "date"),
    },
  },
  {
    target: "DATETIME",
    sources: {
      TIMESTAMP: same,
      DATE: same,
      "TIMESTAMP WITH TIME ZONE": { convert: `timezone('UTC', TRY_CAST(${text} AS TIMESTAMPTZ))` },
      VARCHAR: textual(datetimeText, text, "datetime string"),
    },
  },
  {
    target: "TIMESTAMP",
    sources: {
      "TIMESTAMP WITH TIME ZONE": same,
      TIMESTAMP: same,
      DATE: same,
      VARCHAR: textual(timestampText, text, "timestamp"),
    },
  },
];

const targetNames: Readonly<Partial<Record<ScalarTypeName, string>>> = {
  STRING: "VARCHAR",
  INT64: "BIGINT",
  FLOAT64: "DOUBLE",
  NUMERIC: "DECIMAL(38, 9)",
  BOOL: "BOOLEAN",
  BYTES: "BLOB",
  DATE: "DATE",
  DATETIME: "TIMESTAMP",
  TIMESTAMP: "TIMESTAMPTZ",
};

/** Source types by BigQuery's names, for casts of what is known to be of one. */
const sourceNames: Readonly<Record<string, ScalarTypeName>> = {
  VARCHAR: "STRING",
  BIGINT: "INT64",
  DOUBLE: "FLOAT64",
  BOOLEAN: "BOOL",
  BLOB: "BYTES",
  "DECIMAL(38,9)": "NUMERIC",
  DATE: "DATE",
  TIMESTAMP: "DATETIME",
  "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
};

const knownCasts: ReadonlySet<string> = new Set(
  conversions.flatMap(({ target, sources }) =>
    Object.keys(sources).map((source) => `${sourceNames[source]} to ${target}`),
  ),
);

/**
 * The macro that casts to `target`. The macro for a known source is short; the one for all sources repeats its argument
 * for each of them.
 */
export function castMacroName(target: ScalarTypeName, safe: boolean, source: SqlType["kind"] | undefined): string {
  const name = `bq_${safe ? "safe_" : ""}cast_${target.toLowerCase()}`;
  return source && knownCasts.has(`${source} to ${target}`) ? `${name}_from_${source.toLowerCase()}` : name;
}

function conversionMacros({ target, sources }: Conversion, safe: boolean): readonly string[] {
  const name = castMacroName(target, safe, undefined);
  const cast = safe ? "TRY_CAST" : "CAST";
  const branches = Object.entries(sources).map(([source, { convert, when, message }]) => {
    const value = `${cast}(${convert} AS ${targetNames[target]})`;
    const otherwise = safe ? "NULL" : `error(${message})`;
    const checked = when === undefined ? value : `CASE WHEN x IS NULL OR ${when} THEN ${value} ELSE ${otherwise} END`;
    return { source, checked };
  });
  const dispatch = branches.map(({ source, checked }) => `WHEN '${source}' THEN ${checked}`).join(" ");
  const refusal = `error('Invalid cast from bq_type<' || typeof(x) || '> to ${target}')`;
  return [
    `CREATE OR REPLACE MACRO ${name}(x) AS CASE typeof(x) ${dispatch} WHEN '"NULL"' THEN NULL ELSE ${refusal} END`,
    ...branches.map(
      ({ source, checked }) =>
        `CREATE OR REPLACE MACRO ${castMacroName(target, safe, sourceNames[source])}(x) AS ${checked}`,
    ),
  ];
}

const isoClock = "%Y-%m-%d %H:%M:%S";

export const castMacros: readonly string[] = [
  // The shortest of 15 and 17 digits that reads back as the same number, with a point or an exponent.
  "CREATE OR REPLACE MACRO bq_digits(d) AS CASE WHEN CAST(format('{:.15g}', d) AS DOUBLE) = d " +
    "THEN format('{:.15g}', d) ELSE format('{:.17g}', d) END",
  "CREATE OR REPLACE MACRO bq_float_text(d) AS CASE WHEN regexp_matches(bq_digits(d), '^-?[0-9]+$') " +
    "THEN bq_digits(d) || '.0' ELSE bq_digits(d) END",
  // BigQuery writes no decimals, three or six: as few as keep the value.
  "CREATE OR REPLACE MACRO bq_clock_text(c) AS CASE " +
    `WHEN epoch_us(c) % 1000000 = 0 THEN strftime(c, '${isoClock}') ` +
    `WHEN epoch_us(c) % 1000 = 0 THEN strftime(c, '${isoClock}.%g') ELSE strftime(c, '${isoClock}.%f') END`,
  ...conversions.flatMap((conversion) => [
    ...conversionMacros(conversion, false),
    ...conversionMacros(conversion, true),
  ]),
];
