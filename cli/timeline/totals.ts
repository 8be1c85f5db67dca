import { MAX_COST_USD, MAX_TOKENS } from "@indelible/schemas/cost.ts";
import { decimalOf } from "../cost/usd.ts";
import type { Entity } from "./fold.ts";
import type { PlainRow } from "../warehouse.ts";

export interface Totals {
  readonly total_tokens: number;
  /** Decimal, exact to a billionth of a dollar. */
  readonly cost_usd: string;
}

/**
 * What a conversation, its tools and its other actions have cost, by the rules of `costItemsQuery`: each token and each dollar once. That query takes
 * a second to plan, and all that it needs is here already.
 */
export function totalsOf(entities: readonly Entity[]): Totals {
  const chat = entities.find(({ table }) => table === "conversations")?.latest ?? {};
  const chatTokens = tokensOf(chat);
  let tokens = chatTokens ?? 0;
  let nanos = nanosOf(chat);
  for (const { table, latest } of entities) {
    if (table === "mcp_usage_logs") {
      tokens += count(latest["tokens_used"]) ?? 0;
      nanos += nanosOf(latest);
    }
    if (table !== "action_logs" || latest["action_type"] === "mcp_call") continue;
    const details = recordOf(latest["action_details"]);
    const isModelCall = ["string", "number", "boolean"].includes(typeof details["model_name"]);
    if (!isModelCall || chatTokens === undefined) tokens += tokensOf(details) ?? 0;
    if (!isModelCall || !isCost(chat["cost_usd"])) nanos += nanosOf(latest);
  }
  return { total_tokens: tokens, cost_usd: decimalOf(nanos) };
}

function tokensOf(row: PlainRow): number | undefined {
  const [total, input, output] = ["total_tokens", "input_tokens", "output_tokens"].map((name) => count(row[name]));
  if (total !== undefined) return total;
  return input === undefined && output === undefined ? undefined : (input ?? 0) + (output ?? 0);
}

/** Also of text, as the query has it. What no agent can have used counts as nothing: negative, or more than a million millions. */
function count(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,13}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= MAX_TOKENS
    ? number
    : undefined;
}

/** Billionths of a dollar, each rounded by itself; none of a cost that is none. */
function nanosOf(row: PlainRow): bigint {
  const usd = row["cost_usd"];
  return isCost(usd) ? BigInt(Math.round(usd * 1e9)) : 0n;
}

/** Whether somebody can have paid that. */
function isCost(usd: unknown): usd is number {
  return typeof usd === "number" && usd >= 0 && usd < MAX_COST_USD;
}

function recordOf(value: unknown): PlainRow {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as PlainRow) : {};
}
