import type { Call, Literal } from "./ast.ts";
import { StatementFault } from "./errors.ts";

/** Functions whose value depends on when they are called, and what they are of a moment. */
const clocks: Readonly<Record<string, "TIMESTAMP" | "DATE" | "DATETIME">> = {
  CURRENT_TIMESTAMP: "TIMESTAMP",
  CURRENT_DATE: "DATE",
  CURRENT_DATETIME: "DATETIME",
};
const dice: ReadonlySet<string> = new Set(["RAND", "GENERATE_UUID"]);

/** Whether a tree of the parser calls something that answers differently another time. */
export function isVolatile(tree: unknown): boolean {
  if (typeof tree !== "object" || tree === null) return false;
  if (isCall(tree) && (Object.hasOwn(clocks, tree.name) || dice.has(tree.name))) return true;
  return Object.values(tree).some(isVolatile);
}

/**
 * The tree with every call of a clock answered with one moment, so that the statement means the same whenever it is run.
 * @throws {StatementFault} for a call of chance
 */
export function atMoment<Tree>(tree: Tree, epochMs: number): Tree {
  return replaceCalls(tree, epochMs) as Tree;
}

function replaceCalls(tree: unknown, epochMs: number): unknown {
  if (typeof tree !== "object" || tree === null) return tree;
  if (Array.isArray(tree)) return tree.map((item) => replaceCalls(item, epochMs));
  if (isCall(tree)) {
    const answer = answerOf(tree, epochMs);
    if (answer !== undefined) return answer;
  }
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, replaceCalls(value, epochMs)]));
}

function answerOf(call: Call, epochMs: number): Call | Literal | undefined {
  if (dice.has(call.name)) {
    const message = `${call.name} is not supported here by this warehouse: the log could not be rebuilt from its journal`;
    throw new StatementFault(message, call.at, "notImplemented");
  }
  const kind = Object.hasOwn(clocks, call.name) ? clocks[call.name] : undefined;
  if (kind === undefined) return undefined;
  const moment: Literal = { kind: "literal", type: "TIMESTAMP", text: new Date(epochMs).toISOString(), at: call.at };
  return kind === "TIMESTAMP" ? moment : { ...call, name: kind, arguments: [moment, ...call.arguments] };
}

function isCall(tree: object): tree is Call {
  return "kind" in tree && tree.kind === "call" && "name" in tree && typeof tree.name === "string";
}
