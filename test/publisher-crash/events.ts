/** What victims log: events that say of themselves which call made them, and whether their text is whole. */
import { createHash } from "node:crypto";
import type { Publisher } from "@indelible/publisher";
import type { Random } from "../../local/random.ts";

export const crashTables = ["mcp_usage_logs", "action_logs", "thinking_logs", "conversations"] as const;
export type CrashTable = (typeof crashTables)[number];

/** The column that holds a slot, and the one that holds the text. */
export const slotColumn: { readonly [T in CrashTable]: string } = {
  mcp_usage_logs: "usage_id",
  action_logs: "action_id",
  thinking_logs: "thinking_id",
  conversations: "conversation_id",
};
export const textColumn: { readonly [T in CrashTable]: string } = {
  mcp_usage_logs: "result_summary",
  action_logs: "result_summary",
  thinking_logs: "thinking_content",
  conversations: "command_executed",
};

/** `command_executed` takes so many characters. */
const MAX_CONVERSATION_BYTES = 60_000;

/** One call: `<publisher>/<tick>/<index>/<SHA-256 of the text>`. */
export interface Slot {
  /** `<publisher>/<tick>` */
  readonly tick: string;
  readonly index: number;
  /** Lower-case hex of the whole hash. */
  readonly hash: string;
}

export function slotOf(text: string): Slot | undefined {
  const [, tick, index, hash] = /^([^/]+\/\d+)\/(\d+)\/([0-9a-f]{64})$/.exec(text) ?? [];
  return tick === undefined || hash === undefined ? undefined : { tick, index: Number(index), hash };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Logs the event of the call number `index` in a tick, and gives its `log_id`. */
export function logEvent(log: Publisher, table: CrashTable, tick: string, index: number, content: string): string {
  const text = table === "conversations" ? content.slice(0, MAX_CONVERSATION_BYTES).toWellFormed() : content;
  const slot = `${tick}/${index}/${sha256(text)}`;
  switch (table) {
    case "mcp_usage_logs":
      return log.mcpCall({ usage_id: slot, server_name: "crm", tool_name: "search", result_summary: text });
    case "action_logs":
      return log.action({ action_id: slot, result_summary: text });
    case "thinking_logs":
      return log.thinking({ thinking_id: slot, conversation_id: "c", thinking_content: text });
    case "conversations":
      return log.conversation({ conversation_id: slot, command_executed: text });
  }
}

const PHRASES = [
  "the invoice of last month ",
  'he said "no", and \\ then\nwent on ',
  "Überfällige Rechnungen über 500 € ",
  "条件を満たす記録 ",
  "👩🏽‍🚀🧾 \u2028 e\u0301 ",
  "0123456789 [] {} , : ",
] as const;

/** A text of about `bytes` characters, which is like no other and can be compressed. */
export function textOf(bytes: number, random: Random): string {
  let text = `${random()} `;
  while (text.length < bytes) text += PHRASES[Math.floor(random() * PHRASES.length)] ?? "";
  return text;
}
