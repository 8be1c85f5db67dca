import {
  accessAuditTopic,
  AUDIT_PATH,
  DEFAULT_TOPIC_PREFIX,
  deadLetterTopic,
  ingestedTables,
  topicOf,
} from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";

/** A topic that messages come from, by the last part of its push endpoint. */
export type Source = TableName | typeof AUDIT_PATH;

export const sources: readonly Source[] = [...ingestedTables, "dead_letters", AUDIT_PATH];

/** The table that messages of a source become rows of. */
export function tableOfSource(source: Source): TableName {
  return source === AUDIT_PATH ? "log_access_audit" : source;
}

export function topicOfSource(source: Source, prefix: string = DEFAULT_TOPIC_PREFIX): string {
  if (source === AUDIT_PATH) return accessAuditTopic(prefix);
  return source === "dead_letters" ? deadLetterTopic(prefix) : topicOf(source, prefix);
}
