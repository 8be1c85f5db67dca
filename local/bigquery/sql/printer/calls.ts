import type { Call, Name, OrderItem, WindowSpecification } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { aggregates, printAggregate } from "../functions/aggregates.ts";
import type { CallPrinter, PrintedWindow } from "../functions/aggregates.ts";
import { findFunction } from "../functions/catalog.ts";
import { checkCount, printRule } from "../functions/rule.ts";
import { printWindowFunction, windowFunctions } from "../functions/windows.ts";
import { argumentPrinter, printExpression, printGuarded } from "./expressions.ts";
import type { Scope } from "./scope.ts";

/** Prints a call of a function that is on the list of those that are answered. */
export function printCall(call: Call, scope: Scope): string {
  const aggregate = Object.hasOwn(aggregates, call.name) ? aggregates[call.name] : undefined;
  // What an aggregate is computed from are rows, which have columns and no aliases of the SELECT list.
  if (aggregate)
    return printAggregate(aggregate, call, callPrinter(call.over ? scope : { ...scope, aliases: new Map() }));
  const windowed = Object.hasOwn(windowFunctions, call.name) ? windowFunctions[call.name] : undefined;
  if (windowed) return printWindowFunction(windowed, call, callPrinter(scope));
  const rule = findFunction(call.name);
  if (!rule) throw new StatementFault(`Function not found: ${call.name}`, call.at);
  const isPlain =
    !call.distinct && !call.star && !call.nulls && !call.limit && !call.extreme && call.orderBy.length === 0;
  if (call.over || !isPlain) {
    throw new StatementFault(`Function ${call.name} is neither an aggregate nor a window function`, call.at);
  }
  if ("print" in rule) return printRule(rule, call, argumentPrinter(scope));
  const safeSpecials = /^(?:PARSE_(?:DATE|DATETIME|TIMESTAMP)|DATE|DATETIME|TIMESTAMP)$/;
  if (call.safe && !safeSpecials.test(call.name)) {
    throw new StatementFault(`Function SAFE.${call.name} is not supported by this warehouse`, call.at);
  }
  checkCount(call, ...rule.counts);
  return rule.special(call, argumentPrinter(scope));
}

function callPrinter(scope: Scope): CallPrinter {
  return {
    ...argumentPrinter(scope),
    order: (items, printed) =>
      items.map((item) => printOrderItem(item, printed ?? printExpression(item.value, scope))).join(", "),
    window: (over) => printWindow(over, scope),
  };
}

/** One item of an ORDER BY. To BigQuery NULL is the smallest value; DuckDB must be told. */
export function printOrderItem(item: OrderItem, printed: string): string {
  const nulls = item.nulls ?? (item.descending ? "LAST" : "FIRST");
  return `${printed} ${item.descending ? "DESC" : "ASC"} NULLS ${nulls}`;
}

function printWindow(over: WindowSpecification, scope: Scope): PrintedWindow {
  scope.usage.windows++;
  const { partitionBy, orderBy, frame } = resolveWindow(over, scope.windows);
  const pieces: string[] = [];
  if (partitionBy.length > 0) {
    pieces.push(`PARTITION BY ${partitionBy.map((value) => printExpression(value, scope)).join(", ")}`);
  }
  if (orderBy.length > 0) {
    pieces.push(
      `ORDER BY ${orderBy.map((item) => printOrderItem(item, printExpression(item.value, scope))).join(", ")}`,
    );
  }
  if (frame) {
    const start = printBound(frame.start, scope);
    pieces.push(
      frame.end ? `${frame.unit} BETWEEN ${start} AND ${printBound(frame.end, scope)}` : `${frame.unit} ${start}`,
    );
  }
  return { text: `(${pieces.join(" ")})`, hasOrder: orderBy.length > 0, hasFrame: frame !== undefined };
}

function printBound(bound: NonNullable<WindowSpecification["frame"]>["start"], scope: Scope): string {
  switch (bound.kind) {
    case "currentRow":
      return "CURRENT ROW";
    case "unboundedPreceding":
      return "UNBOUNDED PRECEDING";
    case "unboundedFollowing":
      return "UNBOUNDED FOLLOWING";
    case "preceding":
    case "following":
      return `${printGuarded(bound.distance, "float64", scope)} ${bound.kind.toUpperCase()}`;
  }
}

/** A specification with what it takes over from the named windows below it. */
function resolveWindow(
  specification: WindowSpecification,
  windows: ReadonlyMap<string, WindowSpecification>,
): WindowSpecification {
  const { base } = specification;
  if (!base) return specification;
  const inherited = findWindow(base, windows);
  const isBare = specification.partitionBy.length === 0 && specification.orderBy.length === 0 && !specification.frame;
  if (isBare) return inherited;
  if (
    specification.partitionBy.length > 0 ||
    inherited.frame ||
    (specification.orderBy.length > 0 && inherited.orderBy.length > 0)
  ) {
    throw new StatementFault(`Window ${base.text} cannot be extended in this way`, base.at);
  }
  const { frame } = specification;
  return {
    partitionBy: inherited.partitionBy,
    orderBy: specification.orderBy.length > 0 ? specification.orderBy : inherited.orderBy,
    at: specification.at,
    ...(frame && { frame }),
  };
}

function findWindow(name: Name, windows: ReadonlyMap<string, WindowSpecification>): WindowSpecification {
  const found = windows.get(name.text.toLowerCase());
  if (!found) throw new StatementFault(`Unrecognized window alias ${name.text}`, name.at);
  return found;
}

/** The windows of a WINDOW clause, each of which may stand on one before it. */
export function resolveWindows(
  windows: readonly { name: Name; specification: WindowSpecification }[],
): ReadonlyMap<string, WindowSpecification> {
  const resolved = new Map<string, WindowSpecification>();
  for (const { name, specification } of windows) {
    const lower = name.text.toLowerCase();
    if (resolved.has(lower)) throw new StatementFault(`Duplicate window alias ${name.text}`, name.at);
    resolved.set(lower, resolveWindow(specification, resolved));
  }
  return resolved;
}
