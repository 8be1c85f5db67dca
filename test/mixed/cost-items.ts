import type { Event, TableName } from "@indelible/schemas/tables.ts";
import type { Arrival, Logged } from "./mixed-log.ts";
import { entitiesOf } from "./reference.ts";

/** Billionths of a dollar, which can be added up without rounding. */
export const billionths = (usd: unknown): number => Math.round(Number(usd ?? 0) * 1e9);

/** What has a cost of its own. */
export interface Item {
  readonly kind: "conversation" | "tool" | "action";
  readonly occurredAt: string;
  readonly business: string;
  readonly agent: string;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly server: string | undefined;
  readonly tool: string | undefined;
  readonly tokens: number;
  readonly nanos: number;
  /** False: it was paid for, and nobody says how much. */
  readonly isKnown: boolean;
}

/** A cost that can be counted. */
export const usableCost = (usd: unknown): number | undefined =>
  typeof usd === "number" && usd < 1e9 ? usd : undefined;

/** A count of tokens that can be counted, also of text. */
export function usableTokens(count: unknown): number | undefined {
  const number = typeof count === "string" && /^-?\d+$/.test(count) ? Number(count) : count;
  return typeof number === "number" && number >= 0 && number <= 1e12 ? number : undefined;
}

/** The total that is said, or else the sum of what is. */
export function tokensOf(counts: Event): number | undefined {
  const [total, input, output] = ["total_tokens", "input_tokens", "output_tokens"].map((name) =>
    usableTokens(counts[name]),
  );
  if (total !== undefined) return total;
  return input === undefined && output === undefined ? undefined : (input ?? 0) + (output ?? 0);
}

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** What each thing costs, from what came in; nothing here knows SQL. */
export function itemsOf(arrivals: readonly Arrival[]): Item[] {
  const common = (event: Event, time: unknown, names: Event) => ({
    occurredAt: String(time),
    business: String(event["business_id"]),
    agent: String(event["agent_position"]),
    provider: text(names["model_provider"]),
    model: text(names["model_name"]),
    server: text(event["server_name"]),
    tool: text(event["tool_name"]),
  });
  const conversations = entitiesOf(arrivals, "conversations");
  const items: Item[] = [];
  for (const event of conversations.values()) {
    const cost = usableCost(event["cost_usd"]);
    items.push({
      kind: "conversation",
      ...common(event, event["started_at"], event),
      tokens: tokensOf(event) ?? 0,
      nanos: billionths(cost),
      isKnown: cost !== undefined,
    });
  }
  for (const event of entitiesOf(arrivals, "mcp_usage_logs").values()) {
    const [tokens, cost] = [usableTokens(event["tokens_used"]) ?? 0, usableCost(event["cost_usd"])];
    items.push({
      kind: "tool",
      ...common(event, event["called_at"], {}),
      tokens,
      nanos: billionths(cost),
      isKnown: cost !== undefined,
    });
  }
  for (const event of entitiesOf(arrivals, "action_logs").values()) {
    if (event["action_type"] === "mcp_call") continue;
    const details = (event["action_details"] ?? {}) as Event;
    const isCall = details["model_name"] !== undefined;
    const chat = isCall ? conversations.get(String(event["conversation_id"])) : undefined;
    const hasTokens = ["total_tokens", "input_tokens", "output_tokens"].some(
      (name) => usableTokens(chat?.[name]) !== undefined,
    );
    const hasCost = usableCost(chat?.["cost_usd"]) !== undefined;
    const cost = usableCost(event["cost_usd"]);
    items.push({
      kind: "action",
      ...common(event, event["started_at"], details),
      tokens: hasTokens ? 0 : (tokensOf(details) ?? 0),
      nanos: hasCost ? 0 : billionths(cost),
      isKnown: hasCost || cost !== undefined || (!isCall && event["cost_usd"] === undefined),
    });
  }
  return items;
}

/** Calls of models inside conversations: of one that says what it cost, of one that says nothing, of one that nobody has logged. */
export function modelCalls(conversation: string): Logged[] {
  const common = { business_id: "acme", agent_position: "CFO", started_at: "2026-01-31T13:00:00Z" };
  const action_details = { model_name: "gpt-4o", input_tokens: 10, output_tokens: 5, total_tokens: 15 };
  const call = (n: number, conversation_id?: string): Logged => ({
    table: "action_logs",
    event: {
      ...common,
      action_id: `call-${n}`,
      log_id: `00000000-0000-7000-a000-${String(n).padStart(12, "0")}`,
      action_details,
      cost_usd: 0.25,
      ...(conversation_id !== undefined && { conversation_id }),
    },
  });
  const silent = { ...common, conversation_id: "silent", log_id: "00000000-0000-7000-b000-000000000000" };
  return [
    { table: "conversations", event: silent },
    call(1, conversation),
    call(2, "silent"),
    call(3, "nobody's"),
    call(4),
  ];
}

/** What a publisher may log although it makes no sense: amounts and counts without a bound, and counts that are none. */
export function hostileEvents(): Logged[] {
  const common = { business_id: "acme", agent_position: "CFO" };
  const started_at = "2026-01-31T14:00:00Z";
  const logged: readonly (readonly [TableName, Event])[] = [
    ["conversations", { conversation_id: "h-dear", started_at, cost_usd: 1e30, total_tokens: 7 }],
    ["conversations", { conversation_id: "h-most", started_at, cost_usd: 2_000_000.5, input_tokens: 3 }],
    ["conversations", { conversation_id: "h-bound", started_at, cost_usd: 1e9, output_tokens: 4 }],
    ["conversations", { conversation_id: "h-long", started_at, total_tokens: 2 ** 53 - 1, input_tokens: 5 }],
    ["conversations", { conversation_id: "h-mended", started_at, logged_at: started_at, cost_usd: 0.5 }],
    ["conversations", { conversation_id: "h-mended", started_at, logged_at: "2026-01-31T15:00:00Z", cost_usd: 1e300 }],
    ["mcp_usage_logs", { usage_id: "h-dear", ...tool, cost_usd: 1e38, tokens_used: 2 ** 53 - 1 }],
    [
      "thinking_logs",
      { thinking_id: "h-long", conversation_id: "h-long", timestamp: started_at, token_count: 2 ** 53 - 1 },
    ],
    ["action_logs", { action_id: "h-dear", started_at, cost_usd: 1e30 }],
    [
      "action_logs",
      { action_id: "h-in", started_at, conversation_id: "h-dear", action_details: model, cost_usd: 0.25 },
    ],
    [
      "action_logs",
      { action_id: "h-part", started_at, conversation_id: "h-most", action_details: model, cost_usd: 1e30 },
    ],
    ...[
      { total_tokens: "9223372036854775807" },
      { total_tokens: "9223372036854775806" },
      { total_tokens: -5, output_tokens: 8 },
      { input_tokens: 10, output_tokens: 5 },
      { input_tokens: 10, total_tokens: "many" },
      { output_tokens: "6" },
    ].map((counts, n): readonly [TableName, Event] => [
      "action_logs",
      { action_id: `h-count-${n}`, started_at, action_details: { ...model, ...counts } },
    ]),
    // What was thought to be a change of a file turns out to be a call of a tool.
    [
      "action_logs",
      { action_id: "h-retyped", started_at, logged_at: started_at, action_type: "file_write", cost_usd: 0.25 },
    ],
    ["action_logs", { action_id: "h-retyped", started_at, logged_at: "2026-01-31T15:00:00Z", action_type: "mcp_call" }],
    // Or a call of a model, in a conversation that says what it cost.
    [
      "action_logs",
      { action_id: "h-moved", started_at, logged_at: started_at, action_details: model, cost_usd: 0.125 },
    ],
    ["action_logs", { action_id: "h-moved", started_at, logged_at: "2026-01-31T15:00:00Z", conversation_id: "h-most" }],
  ];
  return logged.map(([table, event], n) => ({
    table,
    event: { ...common, ...event, log_id: `00000000-0000-7000-c000-${String(n).padStart(12, "0")}` },
  }));
}

const model = { model_name: "gpt-4o" };
const tool = { server_name: "s", tool_name: "t", called_at: "2026-01-31T14:00:00Z" };
