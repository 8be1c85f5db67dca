import type { FunctionRule, FunctionTable } from "./rule.ts";

const real = (name: string): FunctionRule => ({
  arguments: "float64",
  returns: "FLOAT64",
  print: (x) => `${name}(CAST(${x} AS DOUBLE))`,
});

const rounding = (name: string): FunctionRule => ({
  arguments: "float64 int64?",
  returns: "FLOAT64",
  print: (x, digits) => `${name}(CAST(${x} AS DOUBLE)${digits === undefined ? "" : `, CAST(${digits} AS INTEGER)`})`,
});

const power: FunctionRule = {
  arguments: "float64 float64",
  returns: "FLOAT64",
  print: (x, y) => `bq_finite(pow(CAST(${x} AS DOUBLE), CAST(${y} AS DOUBLE)))`,
};

/** BigQuery's GREATEST and LEAST are NULL when any argument is; DuckDB's pass over NULLs. */
const extreme = (name: string): FunctionRule => ({
  arguments: "comparable ...",
  print: (...printed) =>
    `CASE WHEN ${printed.map((value) => `${value} IS NULL`).join(" OR ")} THEN NULL ELSE ${name}(${printed.join(", ")}) END`,
});

export const numberFunctions: FunctionTable = {
  ABS: { arguments: "number", print: (x) => `abs(${x})` },
  SIGN: { arguments: "number", print: (x) => `cast_to_type(sign(${x}), ${x})` },
  ROUND: rounding("round"),
  TRUNC: rounding("trunc"),
  CEIL: real("ceil"),
  CEILING: real("ceil"),
  FLOOR: real("floor"),
  SQRT: real("sqrt"),
  EXP: { ...real("exp"), print: (x) => `bq_finite(exp(CAST(${x} AS DOUBLE)))` },
  LN: real("ln"),
  LOG10: real("log10"),
  LOG: {
    arguments: "float64 float64?",
    returns: "FLOAT64",
    print: (x, base) =>
      base === undefined ? `ln(CAST(${x} AS DOUBLE))` : `(ln(CAST(${x} AS DOUBLE)) / ln(CAST(${base} AS DOUBLE)))`,
  },
  POW: power,
  POWER: power,
  DIV: { arguments: "int64 int64", returns: "INT64", print: (x, y) => `bq_div(${x}, ${y})` },
  MOD: { arguments: "int64 int64", returns: "INT64", print: (x, y) => `bq_mod(${x}, ${y})` },
  SAFE_DIVIDE: {
    arguments: "float64 float64",
    returns: "FLOAT64",
    print: (x, y) => `CASE WHEN ${y} <> 0 THEN ${x} / ${y} END`,
  },
  IS_INF: { arguments: "float64", returns: "BOOL", print: (x) => `isinf(CAST(${x} AS DOUBLE))` },
  IS_NAN: { arguments: "float64", returns: "BOOL", print: (x) => `isnan(CAST(${x} AS DOUBLE))` },
  GREATEST: extreme("greatest"),
  LEAST: extreme("least"),
};

const divisor = (body: string): string =>
  `CASE WHEN y = 0 THEN error('division by zero: ' || x || ' / ' || y) ELSE ${body} END`;

export const numberMacros: readonly string[] = [
  "CREATE OR REPLACE MACRO bq_finite(y) AS CASE WHEN isinf(y) THEN error('Floating point overflow') ELSE y END",
  `CREATE OR REPLACE MACRO bq_divide(x, y) AS ${divisor("x / y")}`,
  `CREATE OR REPLACE MACRO bq_div(x, y) AS ${divisor("x // y")}`,
  `CREATE OR REPLACE MACRO bq_mod(x, y) AS ${divisor("x % y")}`,
];
