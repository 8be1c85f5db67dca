import { canonicalize } from "@indelible/schemas/canonical.ts";
import type { ErrorCode } from "@indelible/schemas/errors.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import type { Random } from "../../local/random.ts";

/** Tables that the traffic is for. */
export const chaosTables = ["mcp_usage_logs", "action_logs", "thinking_logs", "conversations"] as const;
export type ChaosTable = (typeof chaosTables)[number];

const common = { business_id: "acme", agent_position: "CFO" };

/** A valid event without a `log_id`; `serial` makes it unlike any other. */
export function eventOf(table: ChaosTable, serial: number, random: Random): Event {
  const at = new Date(Date.UTC(2026, 0, 1) + serial * 1000).toISOString();
  const text = `№ ${serial} "quoted" \\ ${"lorem ipsum ".repeat(Math.floor(random() * 20))}`;
  switch (table) {
    case "mcp_usage_logs":
      return {
        ...common,
        usage_id: `usage-${serial}`,
        server_name: "crm",
        tool_name: "search",
        called_at: at,
        parameters: { query: text, limit: serial % 100, nested: [{ b: null, a: [1.5, -2e-7, true] }] },
        success: serial % 7 !== 0,
        cost_usd: serial / 1000,
      };
    case "action_logs":
      return {
        ...common,
        action_id: `action-${serial}`,
        action_type: "file_write",
        started_at: at,
        action_details: { text, path: ["a", "b"] },
        duration_ms: serial,
      };
    case "thinking_logs":
      return {
        ...common,
        thinking_id: `thinking-${serial}`,
        conversation_id: `conversation-${serial % 100}`,
        timestamp: at,
        thinking_content: text,
        confidence_level: random(),
        options_considered: ["wait", "act", text.slice(0, 20)],
      };
    case "conversations":
      return {
        ...common,
        conversation_id: `conversation-${serial}`,
        started_at: at,
        total_tokens: serial,
        user_prompt_preview: text.slice(0, 400),
        status: "completed",
      };
  }
}

/** A column of text, to make another event of one that there is. */
const textColumn: { readonly [T in ChaosTable]: string } = {
  mcp_usage_logs: "result_summary",
  action_logs: "result_summary",
  thinking_logs: "rationale",
  conversations: "command_executed",
};

/** The event with other content and the same identity. */
export function changed(table: ChaosTable, event: Event, serial: number): Event {
  return { ...event, [textColumn[table]]: `changed by ${serial}` };
}

/** The event as text that is lossless and not canonical: members in another order, white space, escapes. */
export function looselyWritten(event: Event): string {
  const members = Object.entries(event).toReversed();
  const text = members.map(([name, value]) => `${JSON.stringify(name)} : ${JSON.stringify(value)}`).join(" , ");
  return `{ ${text.replaceAll("№", String.raw`\u2116`)} }`;
}

const timeColumn: { readonly [T in ChaosTable]: string } = {
  mcp_usage_logs: "called_at",
  action_logs: "started_at",
  thinking_logs: "timestamp",
  conversations: "started_at",
};

/** The event with nanoseconds, as agents in some languages send them, and as it is to be stored. */
export function withNanoseconds(table: ChaosTable, event: Event): { readonly sent: Event; readonly stored: Event } {
  const column = timeColumn[table];
  const seconds = String(event[column]).slice(0, 19);
  return {
    sent: { ...event, [column]: `${seconds}.123456789Z` },
    stored: { ...event, [column]: `${seconds}.123456Z` },
  };
}

interface BadEvent {
  readonly data: Buffer;
  readonly reason: ErrorCode;
}

const DEPTH = 600;

/** Ways to spoil an event. Each has one fault, so that there is one right reason. */
const spoilers: readonly ((table: TableName, event: Event) => BadEvent)[] = [
  (_, event) => bad(canonicalize(event).slice(0, -1), "ERR_NOT_JSON"),
  (_, event) => bad(withMember(event, '"colour":"red"'), "ERR_UNKNOWN_FIELD"),
  (_, event) => bad(canonicalize({ ...event, agent_position: 7 }), "ERR_INVALID_EVENT"),
  (_, event) => bad(canonicalize({ ...event, business_id: undefined }), "ERR_INVALID_EVENT"),
  (table, event) => bad(canonicalize({ ...event, ...badEnum(table) }), "ERR_INVALID_EVENT"),
  (_, event) => bad(withMember(event, '"business_id":"other"'), "ERR_DUPLICATE_KEY"),
  (table, event) => {
    const column = table === "thinking_logs" ? "confidence_level" : "cost_usd";
    return bad(withMember({ ...event, [column]: undefined }, `"${column}":0.1234567890123456789`), "ERR_LOSSY_NUMBER");
  },
  (_, event) => bad(withMember(event, String.raw`"publisher_id":"half \ud83d pair"`), "ERR_LONE_SURROGATE"),
  (_, event) => {
    const [before = "", after = ""] = canonicalize({ ...event, publisher_id: "|" }).split("|");
    return {
      data: Buffer.concat([Buffer.from(before), Buffer.of(0xc3, 0x28), Buffer.from(after)]),
      reason: "ERR_NOT_UTF8",
    };
  },
  (table, event) => {
    const column = table === "mcp_usage_logs" ? "parameters" : table === "action_logs" ? "action_details" : undefined;
    if (column === undefined) return bad("[", "ERR_NOT_JSON");
    const deep = `"${column}":${"[".repeat(DEPTH)}${"]".repeat(DEPTH)}`;
    return bad(withMember({ ...event, [column]: undefined }, deep), "ERR_TOO_DEEP");
  },
];

/** An event that can never be accepted, and the reason that its dead letter must have. */
export function spoiled(table: TableName, event: Event, random: Random): BadEvent {
  const spoil = spoilers[Math.floor(random() * spoilers.length)] as (typeof spoilers)[number];
  return spoil(table, event);
}

function bad(text: string, reason: ErrorCode): BadEvent {
  return { data: Buffer.from(text), reason };
}

function withMember(event: Event, member: string): string {
  return `${canonicalize(event).slice(0, -1)},${member}}`;
}

function badEnum(table: TableName): Event {
  if (table === "conversations") return { status: "done" };
  if (table === "thinking_logs") return { thinking_type: "guess" };
  if (table === "action_logs") return { action_type: "shout" };
  return { duration_ms: -1 };
}
