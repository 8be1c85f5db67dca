import { entryHash } from "@indelible/schemas/entry.ts";
import type { Entry } from "@indelible/subscriber/hash.ts";

/** The `number`th entry; with another content it has the same `log_id` and another hash. */
export function entryOf(number: number, content = "a"): Entry {
  const logId = `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;
  const text = JSON.stringify({ content, log_id: logId });
  return { index: number, text, event: { content, log_id: logId }, logId, entry: text, entryHash: entryHash(text) };
}
