import type { Event } from "@indelible/schemas/tables.ts";
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
    const tokens = Number(
      event["total_tokens"] ?? Number(event["input_tokens"] ?? 0) + Number(event["output_tokens"] ?? 0),
    );
    const cost = event["cost_usd"];
    items.push({
      kind: "conversation",
      ...common(event, event["started_at"], event),
      tokens,
      nanos: billionths(cost),
      isKnown: cost !== undefined,
    });
  }
  for (const event of entitiesOf(arrivals, "mcp_usage_logs").values()) {
    const [tokens, cost] = [Number(event["tokens_used"] ?? 0), event["cost_usd"]];
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
    const hasTokens = ["total_tokens", "input_tokens", "output_tokens"].some((name) => chat?.[name] !== undefined);
    const hasCost = chat?.["cost_usd"] !== undefined;
    const cost = event["cost_usd"];
    items.push({
      kind: "action",
      ...common(event, event["started_at"], details),
      tokens: hasTokens ? 0 : Number(details["total_tokens"] ?? 0),
      nanos: hasCost ? 0 : billionths(cost),
      isKnown: hasCost || cost !== undefined || !isCall,
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
