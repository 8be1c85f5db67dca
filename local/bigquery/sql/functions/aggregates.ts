import type { Call, Expression, ScalarTypeName } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { checkCount } from "./rule.ts";
import type { ArgumentKind, ArgumentPrinter } from "./rule.ts";

/** What an aggregate's or window function's printer gets beside its arguments. */
export type CallPrinter = ArgumentPrinter & {
  /** The items of an ORDER BY, with where NULLs go spelled out; `printed` is what all of them sort by, if given. */
  order(items: Call["orderBy"], printed?: string): string;
  /** An OVER clause with named windows resolved. */
  window(over: NonNullable<Call["over"]>): PrintedWindow;
};

export type PrintedWindow = { text: string; hasOrder: boolean; hasFrame: boolean };

type Modifier = "distinct" | "nulls" | "extreme" | "orderBy" | "limit";

export type Aggregate = {
  arguments: readonly ArgumentKind[];
  /** How many of the arguments may be left out. */
  optional?: number;
  allowed: readonly Modifier[];
  returns?: ScalarTypeName;
  /** Whether the result has the type of the first argument. */
  returnsFirst?: boolean;
  /** False: not with OVER. */
  windowed?: boolean;
  print(call: PrintedCall): string;
};

/** The printed pieces of an aggregate call. `suffix` is FILTER and OVER, to be put behind each DuckDB aggregate. */
export type PrintedCall = {
  values: readonly string[];
  distinct: string;
  order: string;
  suffix: string;
  call: Call;
  printer: CallPrinter;
};

const plain = (name: string, kind: ArgumentKind, returns?: ScalarTypeName): Aggregate => ({
  arguments: [kind],
  allowed: [],
  ...(returns && { returns }),
  print: ({ values, suffix }) => `${name}(${values.join(", ")})${suffix}`,
});

const real = (name: string): Aggregate => ({
  ...plain(name, "float64", "FLOAT64"),
  allowed: ["distinct"],
  print: ({ values, distinct, suffix }) => `${name}(${distinct}CAST(${values[0]} AS DOUBLE))${suffix}`,
});

const pair = (name: string): Aggregate => ({
  ...plain(name, "float64", "FLOAT64"),
  arguments: ["float64", "float64"],
  print: ({ values, suffix }) => `${name}(CAST(${values[0]} AS DOUBLE), CAST(${values[1]} AS DOUBLE))${suffix}`,
});

const extreme = (name: string): Aggregate => ({
  ...plain(name, "comparable"),
  allowed: ["distinct"],
  returnsFirst: true,
});

const extremeBy = (name: string): Aggregate => ({
  ...plain(name, "any"),
  arguments: ["any", "comparable"],
  returnsFirst: true,
});

const count: Aggregate = {
  arguments: ["any"],
  allowed: ["distinct"],
  returns: "INT64",
  print: ({ values, distinct, suffix, call, printer }) => {
    const [value] = call.arguments;
    const counted = distinct && value ? printer.guarded(value, "comparable") : values[0];
    return `count(${call.star ? "*" : distinct + counted})${suffix}`;
  },
};

export const aggregates: Readonly<Record<string, Aggregate>> = {
  COUNT: count,
  COUNTIF: {
    ...plain("count_if", "bool", "INT64"),
    // DuckDB's count_if gives a HUGEINT.
    print: ({ values, suffix }) => `count(CASE WHEN ${values[0]} THEN 1 END)${suffix}`,
  },
  SUM: {
    arguments: ["number"],
    allowed: ["distinct"],
    returnsFirst: true,
    // DuckDB sums BIGINTs to a HUGEINT. Cast back to the type of what is summed, it fails where BigQuery overflows.
    print: ({ values, distinct, suffix }) =>
      `cast_to_type(sum(${distinct}${values[0]})${suffix}, any_value(${values[0]})${suffix})`,
  },
  AVG: real("avg"),
  MIN: extreme("min"),
  MAX: extreme("max"),
  ANY_VALUE: { ...plain("any_value", "any"), allowed: ["extreme"], returnsFirst: true, print: printAnyValue },
  MAX_BY: extremeBy("arg_max_null"),
  MIN_BY: extremeBy("arg_min_null"),
  ARRAY_AGG: {
    arguments: ["any"],
    allowed: ["distinct", "nulls", "orderBy", "limit"],
    print: (printed) =>
      limited(printed, `array_agg(${printed.distinct}${printed.values[0]}${printed.order})${printed.suffix}`),
  },
  STRING_AGG: {
    arguments: ["string", "string"],
    optional: 1,
    allowed: ["distinct", "orderBy", "limit"],
    returns: "STRING",
    print: printStringAggregate,
  },
  LOGICAL_AND: plain("bool_and", "bool", "BOOL"),
  LOGICAL_OR: plain("bool_or", "bool", "BOOL"),
  BIT_AND: plain("bit_and", "int64", "INT64"),
  BIT_OR: plain("bit_or", "int64", "INT64"),
  BIT_XOR: {
    ...plain("bit_xor", "int64", "INT64"),
    allowed: ["distinct"],
    print: ({ values, distinct, suffix }) => `bit_xor(${distinct}${values[0]})${suffix}`,
  },
  // An exact count is within every error bound.
  APPROX_COUNT_DISTINCT: {
    ...plain("count", "comparable", "INT64"),
    print: ({ values, suffix }) => `count(DISTINCT ${values[0]})${suffix}`,
  },
  APPROX_QUANTILES: {
    ...plain("quantile_disc", "comparable"),
    arguments: ["comparable", "int64"],
    allowed: ["distinct"],
    windowed: false,
    print: printQuantiles,
  },
  STDDEV: real("stddev_samp"),
  STDDEV_SAMP: real("stddev_samp"),
  STDDEV_POP: real("stddev_pop"),
  VARIANCE: real("var_samp"),
  VAR_SAMP: real("var_samp"),
  VAR_POP: real("var_pop"),
  COVAR_POP: pair("covar_pop"),
  COVAR_SAMP: pair("covar_samp"),
};

/** Beside DISTINCT, DuckDB wants the sorted expression to be the argument as it is, so its guard stands in FILTER. */
function printStringAggregate(printed: PrintedCall): string {
  const { values, distinct, order, suffix, call, printer } = printed;
  const [guarded, separator = "','"] = values;
  const text = distinct && order ? printer.print(firstArgument(call)) : guarded;
  const filter = ` FILTER (WHERE ${guarded} IS NOT NULL)${suffix}`;
  if (!call.limit) return `string_agg(${distinct}${text}, ${separator}${order})${filter}`;
  return `array_to_string(${limited(printed, `array_agg(${distinct}${text}${order})${filter}`)}, ${separator})`;
}

function printAnyValue({ values, suffix, call, printer }: PrintedCall): string {
  if (!call.extreme) return `any_value(${values[0]})${suffix}`;
  const name = call.extreme.function === "MAX" ? "arg_max_null" : "arg_min_null";
  return `${name}(${values[0]}, ${printer.guarded(call.extreme.by, "comparable")})${suffix}`;
}

function limited({ call, printer }: PrintedCall, list: string): string {
  return call.limit ? `list_slice(${list}, 1, ${printer.guarded(call.limit, "int64")})` : list;
}

function printQuantiles({ values, distinct, suffix, call }: PrintedCall): string {
  const number = call.arguments[1];
  const count = number?.kind === "literal" && number.type === "INT64" ? Number(number.text) : 0;
  if (!(count >= 1 && count <= 1000)) {
    throw new StatementFault("APPROX_QUANTILES needs a literal number from 1 to 1000 in this warehouse", number?.at);
  }
  const ranks = Array.from({ length: count + 1 }, (_, index) => `${index / count}::DOUBLE`);
  return `quantile_disc(${distinct}${values[0]}, [${ranks.join(", ")}])${suffix}`;
}

/** Prints a call of an aggregate function, with OVER or without. */
export function printAggregate(rule: Aggregate, call: Call, printer: CallPrinter): string {
  if (call.safe) throw new StatementFault(`Function SAFE.${call.name} is not supported by this warehouse`, call.at);
  if (call.star && rule !== count) throw new StatementFault(`Argument * can only be used in COUNT(*)`, call.at);
  if (call.star && call.distinct) throw new StatementFault("DISTINCT cannot be used with COUNT(*)", call.at);
  if (!call.star) checkCount(call, rule.arguments.length - (rule.optional ?? 0), rule.arguments.length);
  checkModifiers(rule, call);
  const values = call.arguments.map((argument, index) => printer.guarded(argument, rule.arguments[index] ?? "any"));
  const first = call.arguments[0];
  const filter = call.nulls === "IGNORE" && first ? ` FILTER (WHERE ${printer.print(first)} IS NOT NULL)` : "";
  const order = call.orderBy.length === 0 ? "" : ` ORDER BY ${printer.order(call.orderBy, distinctKey(call, printer))}`;
  const over = call.over ? ` OVER ${printer.window(call.over).text}` : "";
  return rule.print({
    values,
    distinct: call.distinct ? "DISTINCT " : "",
    order,
    suffix: filter + over,
    call,
    printer,
  });
}

/** What the items of ORDER BY beside DISTINCT must be: the argument itself. */
function distinctKey(call: Call, printer: CallPrinter): string | undefined {
  if (!call.distinct) return undefined;
  const key = printer.print(firstArgument(call));
  if (call.orderBy.every((item) => printer.print(item.value) === key)) return key;
  throw new StatementFault("An aggregate function with DISTINCT can order only by its argument", call.at);
}

function checkModifiers(rule: Aggregate, call: Call): void {
  const used: readonly [Modifier, boolean, string][] = [
    ["distinct", call.distinct, "DISTINCT"],
    ["nulls", call.nulls !== undefined, "IGNORE NULLS and RESPECT NULLS"],
    ["extreme", call.extreme !== undefined, "HAVING MAX and HAVING MIN"],
    ["orderBy", call.orderBy.length > 0, "ORDER BY in arguments"],
    ["limit", call.limit !== undefined, "LIMIT in arguments"],
  ];
  for (const [modifier, isUsed, text] of used) {
    if (isUsed && !rule.allowed.includes(modifier)) {
      throw new StatementFault(`${text} is not supported for function ${call.name}`, call.at);
    }
  }
  const isOrdered = call.orderBy.length > 0 || call.limit !== undefined;
  if (call.over && (rule.windowed === false || isOrdered)) {
    throw new StatementFault(`${call.name} with OVER is not supported in this form by this warehouse`, call.at);
  }
}

/** The first argument of a call, which the grammar of its function demands. */
function firstArgument(call: Call): Expression {
  const first = call.arguments[0];
  if (!first) throw new StatementFault(`Number of arguments does not match for function ${call.name}`, call.at);
  return first;
}
