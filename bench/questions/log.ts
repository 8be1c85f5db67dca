/** A log as a fleet of agents writes it: what one conversation leaves in each table, the same for the same number. */
import { canonicalizerOf } from "@indelible/schemas/canonicalizer.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";

export interface Row {
  readonly table: TableName;
  readonly encoded: Uint8Array;
}

export const DAYS = 90;
const dayMicros = 86_400_000_000;
const second = 1_000_000;

/** Rows of a conversation on average: see `conversationRows`. */
export const ROWS_PER_CONVERSATION = 11.66;
/** Every how many conversations an event is a dead letter. */
export const DEAD_LETTER_EVERY = 8;

const models = ["claude-3.5-sonnet", "gpt-4o", "gpt-4o-mini", "gemini-2.5-pro", "llama-3.3-70b"];
const tools = ["stripe/get_balance", "sheets/read_range", "search/web", "mail/send", "calendar/list"];
const thought = "Search ads cost 2.90 USD an order this month, video 1.45 USD; moving 400 USD leaves 380 USD. ".repeat(
  3,
);

export function conversationId(index: number): string {
  return `conversation-${String(index).padStart(8, "0")}`;
}

/** When conversation `index` of `count` begins, in microseconds since 1970, in a log that ends at `end`. */
function beginning(end: number, index: number, count: number): number {
  return Math.floor(end - (1 - index / count) * DAYS * dayMicros);
}

/** `log_id` of a conversation's row: of the time in its beginning, as UUIDv7. */
export function logIdOf(end: number, index: number, count: number, row: number): string {
  const time = Math.floor(beginning(end, index, count) / 1000)
    .toString(16)
    .padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${String(row).padStart(3, "0")}-8000-${index.toString(16).padStart(12, "0")}`;
}

/** The rows of conversation `index` of `count`, in a log that ends at `end` (microseconds since 1970). One in fifty entries comes twice. */
export function conversationRows(end: number, index: number, count: number): Row[] {
  const start = beginning(end, index, count);
  const rows: Row[] = [];
  const conversation_id = conversationId(index);
  const common = { conversation_id, business_id: `business-${index % 3}`, agent_position: `agent-${index % 20}` };
  const log = (table: TableName, afterSeconds: number, event: Event): void => {
    const at = start + afterSeconds * second;
    const number = rows.length;
    const stamped: Event = {
      ...event,
      log_id: logIdOf(end, index, count, number),
      logged_at: formatTimestamp(at),
      publisher_id: `publisher-${index % 20}`,
      seq: Math.floor(index / 20) * 20 + number + 1,
    };
    const row = { table, encoded: encode(table, stamped, at, index) };
    rows.push(row);
    if ((index + number) % 50 === 0) rows.push(row);
  };
  const at = (afterSeconds: number): string => formatTimestamp(start + afterSeconds * second);
  const begun = { ...common, started_at: at(0) };
  log("conversations", 0, { ...begun, user_prompt_preview: thought.slice(0, 200), command_executed: "review budget" });
  for (let step = 0; step < 3; step += 1) {
    log("thinking_logs", step + 1, {
      ...common,
      thinking_id: `${conversation_id}-t${step}`,
      timestamp: at(step + 1),
      step_number: step,
      thinking_type: "analysis",
      thinking_content: thought,
      confidence_level: 0.8,
      token_count: 200,
    });
  }
  for (let call = 0; call < 2; call += 1) {
    const [server_name = "", tool_name = ""] = (tools[(index + call) % tools.length] ?? "").split("/");
    const action = {
      ...common,
      action_id: `${conversation_id}-a${call}`,
      action_type: "mcp_call",
      action_target: tool_name,
    };
    const calledAt = at(5 + call * 2);
    log("action_logs", 5 + call * 2, { ...action, started_at: calledAt });
    log("action_logs", 6 + call * 2, {
      ...action,
      started_at: calledAt,
      completed_at: at(6 + call * 2),
      success: index % 17 > 0,
    });
    log("mcp_usage_logs", 6 + call * 2, {
      ...common,
      usage_id: `${conversation_id}-u${call}`,
      server_name,
      tool_name,
      called_at: calledAt,
      parameters: { range: "B2:F14" },
      duration_ms: 300 + (index % 700),
      success: index % 17 > 0,
      result_summary: "18,240.10 USD",
      cost_usd: 0.0002,
    });
  }
  if (index % 2 === 0) {
    log("decision_logs", 10, {
      ...common,
      decision_id: `${conversation_id}-d`,
      decided_at: at(10),
      decision_type: "approval",
      decision_summary: `Move ${index % 900} USD from search ads to video`,
      options_evaluated: [{ option: "now", pros: ["fast"], cons: ["final"], score: 6 }],
      chosen_option: "now",
      confidence: 0.7,
      requires_human_review: index % 40 === 0,
    });
  }
  if (index % 20 === 0) {
    log("escalation_logs", 11, {
      escalation_id: `${conversation_id}-e`,
      business_id: common.business_id,
      source_agent: common.agent_position,
      source_conversation_id: conversation_id,
      escalation_type: "question",
      urgency: "normal",
      subject: "Is this within the budget?",
      target: "CEO",
      escalated_at: at(11),
      sla_target: at(4000),
    });
  }
  log("conversations", 12, {
    ...begun,
    ended_at: at(12),
    duration_seconds: 12,
    model_provider: "openrouter",
    model_name: models[index % models.length],
    input_tokens: 1200 + (index % 500),
    output_tokens: 300,
    total_tokens: 1500 + (index % 500),
    cost_usd: 0.01 + (index % 100) / 10_000,
    response_preview: thought.slice(0, 250),
    status: "completed",
  });
  if (index % DEAD_LETTER_EVERY === 0)
    rows.push({ table: "dead_letters", encoded: deadLetter(start, index, common.business_id) });
  return rows;
}

function deadLetter(start: number, index: number, business: string): Uint8Array {
  const field = ["confidence_level", "cost_usd", "score"][index % 3];
  return encode(
    "dead_letters",
    {
      log_id: `dead-${index}`,
      dead_letter_id: `00000000-0000-5000-8000-${index.toString(16).padStart(12, "0")}`,
      reason: "ERR_INVALID_EVENT",
      reason_detail: `${field} must be <= 1`,
      reason_pattern: `${field} must be <= <n>`,
      source_table: "thinking_logs",
      source_message_id: String(9_000_000_000 + index),
      source_published_at: formatTimestamp(start),
      source_index: 0,
      source_log_id: `never-${index}`,
      data_base64: Buffer.from(JSON.stringify({ business, thought })).toString("base64"),
    },
    start,
    index,
  );
}

function encode(table: TableName, event: Event, at: number, index: number): Uint8Array {
  const entry = canonicalizerOf(tables[table])(event);
  return rowEncoderOf(tables[table])(event, {
    published_at: at + 100_000,
    message_id: String(1_000_000_000 + index),
    ingested_at: at + 300_000,
    schema_version: tables[table].version,
    entry,
    entry_hash: entryHash(entry),
  });
}
