/** Names of things in Google Cloud, the same on one machine and in the cloud. All can be prefixed by configuration. */
import { tableNames, tables, type TableName } from "./tables.ts";

/** Topics and subscriptions begin with this. */
export const DEFAULT_TOPIC_PREFIX = "agent-logs";

/** The dataset of views: what people query. */
export const VIEWS_DATASET = "agent_logs";

/** The dataset of tables, which only the subscriber appends to and only the sealer and auditors read. */
export const RAW_DATASET = "agent_logs_raw";

/** Tables that have a topic of their own, in the order of the declaration: all but those that Indelible writes itself. */
export const publishedTables: readonly TableName[] = tableNames.filter((name) => tables[name].kind === "log");

/** Tables whose topic the subscriber reads event by event: those of the agents, and what ops decide about dead letters. */
export const ingestedTables: readonly TableName[] = [...publishedTables, "dead_letter_reviews"];

/** ID of the topic whose messages are entries of `table`. */
export function topicOf(table: TableName, prefix: string = DEFAULT_TOPIC_PREFIX): string {
  return `${prefix}.${table}`;
}

/** ID of the topic that takes what could not be accepted; its messages become rows of `dead_letters`. */
export function deadLetterTopic(prefix: string = DEFAULT_TOPIC_PREFIX): string {
  return `${prefix}.dead-letter`;
}

/** Last part of the ID of the topic of BigQuery's audit log, where others have the name of a table. */
const AUDIT_TOPIC = "bigquery-audit";

/**
 * ID of the topic that BigQuery's audit log is routed to, as `LogEntry` in JSON: what the subscriber makes `log_access_audit`
 * entries of. Its push endpoint ends in `/${AUDIT_PATH}`.
 */
export function accessAuditTopic(prefix: string = DEFAULT_TOPIC_PREFIX): string {
  return `${prefix}.${AUDIT_TOPIC}`;
}

/** Last part of the push endpoint of the topic of BigQuery's audit log, where others have the name of a table. */
export const AUDIT_PATH = "bigquery_audit";

/** Tables whose rows are sealed: all but the seals, which are a log of their own. */
export const sealedTables: readonly TableName[] = tableNames.filter((name) => name !== "seals");

/** ID of the push subscription on `topic`. */
export function pushSubscriptionOf(topic: string): string {
  return `${topic}.function`;
}

/** ID of the pull subscription on `topic` of whoever runs the worker instead of the function. */
export function pullSubscriptionOf(topic: string): string {
  return `${topic}.worker`;
}

/** The table whose events come by the subscription with this ID, whatever its prefix; undefined when it is none of ours. */
export function tableOfSubscription(id: string): TableName | undefined {
  const name = /\.([a-z_-]+)\.(?:function|worker)$/.exec(id)?.[1];
  if (name === AUDIT_TOPIC) return "log_access_audit";
  return ingestedTables.find((table) => table === name);
}
