import type { Call, ScalarTypeName } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import type { CallPrinter } from "./aggregates.ts";
import { checkCount } from "./rule.ts";
import type { ArgumentKind } from "./rule.ts";

export type WindowFunction = {
  /** DuckDB's name of it. */
  name: string;
  arguments: readonly ArgumentKind[];
  optional?: number;
  returns?: ScalarTypeName;
  returnsFirst?: boolean;
  nulls?: boolean;
  order: "required" | "allowed" | "forbidden";
  frame: boolean;
};

const numbering = (name: string, returns: ScalarTypeName): WindowFunction => ({
  name,
  arguments: [],
  returns,
  order: name === "row_number" ? "allowed" : "required",
  frame: false,
});

const value = (name: string): WindowFunction => ({
  name,
  arguments: ["any"],
  returnsFirst: true,
  nulls: true,
  order: "allowed",
  frame: true,
});

const neighbour = (name: string): WindowFunction => ({
  name,
  arguments: ["any", "int64", "any"],
  optional: 2,
  returnsFirst: true,
  order: "required",
  frame: false,
});

const percentile = (name: string, kind: ArgumentKind): WindowFunction => ({
  name,
  arguments: [kind, "float64"],
  order: "forbidden",
  frame: false,
});

export const windowFunctions: Readonly<Record<string, WindowFunction>> = {
  ROW_NUMBER: numbering("row_number", "INT64"),
  RANK: numbering("rank", "INT64"),
  DENSE_RANK: numbering("dense_rank", "INT64"),
  PERCENT_RANK: numbering("percent_rank", "FLOAT64"),
  CUME_DIST: numbering("cume_dist", "FLOAT64"),
  NTILE: { ...numbering("ntile", "INT64"), arguments: ["int64"] },
  FIRST_VALUE: value("first_value"),
  LAST_VALUE: value("last_value"),
  NTH_VALUE: { ...value("nth_value"), arguments: ["any", "int64"] },
  LAG: neighbour("lag"),
  LEAD: neighbour("lead"),
  PERCENTILE_CONT: { ...percentile("quantile_cont", "float64"), returns: "FLOAT64" },
  PERCENTILE_DISC: percentile("quantile_disc", "comparable"),
};

/** Prints a call of a function that only windows have. */
export function printWindowFunction(rule: WindowFunction, call: Call, printer: CallPrinter): string {
  if (!call.over) throw new StatementFault(`Window function ${call.name} must be used with OVER`, call.at);
  const isPlain =
    !call.safe && !call.distinct && !call.star && !call.limit && !call.extreme && call.orderBy.length === 0;
  if (!isPlain || (call.nulls && !rule.nulls)) {
    throw new StatementFault(`Function ${call.name} is not supported with these modifiers`, call.at);
  }
  checkCount(call, rule.arguments.length - (rule.optional ?? 0), rule.arguments.length);
  const window = printer.window(call.over);
  if (rule.order === "required" && !window.hasOrder) {
    throw new StatementFault(`Window ORDER BY is required for analytic function ${call.name}`, call.at);
  }
  if (rule.order === "forbidden" && window.hasOrder) {
    throw new StatementFault(`Window ORDER BY is not allowed for analytic function ${call.name}`, call.at);
  }
  if (!rule.frame && window.hasFrame) {
    throw new StatementFault(`Window framing clause is not allowed for analytic function ${call.name}`, call.at);
  }
  const values = call.arguments.map((argument, index) => printer.guarded(argument, rule.arguments[index] ?? "any"));
  if (rule.name.startsWith("quantile")) values[1] = readRank(call);
  if (rule.name === "quantile_cont") values[0] = `CAST(${values[0]} AS DOUBLE)`;
  const nulls = call.nulls === "IGNORE" ? " IGNORE NULLS" : "";
  return `${rule.name}(${values.join(", ")}${nulls}) OVER ${window.text}`;
}

/** PERCENTILE functions take a constant between 0 and 1. */
function readRank(call: Call): string {
  const rank = call.arguments[1];
  const isNumber = rank?.kind === "literal" && (rank.type === "FLOAT64" || rank.type === "INT64");
  if (!isNumber || Number(rank.text) > 1) {
    throw new StatementFault(
      `The second argument of ${call.name} must be a literal between 0 and 1`,
      rank?.at ?? call.at,
    );
  }
  return `${Number(rank.text)}::DOUBLE`;
}
