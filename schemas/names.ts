/** Names of things in Google Cloud, the same on one machine and in the cloud. All can be prefixed by configuration. */
import { IndelibleError } from "./errors.ts";
import { tableNames, tables, type TableName } from "./tables.ts";

/** Topics and subscriptions begin with this, unless they are configured to begin with something else. */
export const DEFAULT_TOPIC_PREFIX = "agent-logs";

/** The dataset of views, by default: what people query. */
export const VIEWS_DATASET = "agent_logs";

/** The dataset of tables, by default, which only the subscriber appends to and only the sealer and auditors read. */
export const RAW_DATASET = "agent_logs_raw";

/** The datasets of one environment. Two environments in one project have different ones. */
export interface Datasets {
  /** That of the tables. */
  readonly raw: string;
  /** That of the views. */
  readonly views: string;
}

export const defaultDatasets: Datasets = { raw: RAW_DATASET, views: VIEWS_DATASET };

/** Variables by name, as `process.env` has them. One that is empty counts as unset. */
export type Variables = { readonly [name: string]: string | undefined };

/**
 * The datasets that the variables name: `INDELIBLE_DATASET` that of the tables, default `agent_logs_raw`; `INDELIBLE_VIEWS_DATASET` that of the
 * views, default `agent_logs`.
 *
 * @throws ERR_CONFIG when one is no name of a dataset (1 to 1,024 letters, digits and underscores), or both are the same
 */
export function datasetsFromEnvironment(env: Variables): Datasets {
  const raw = datasetNamed(env, "INDELIBLE_DATASET", RAW_DATASET);
  const views = datasetNamed(env, "INDELIBLE_VIEWS_DATASET", VIEWS_DATASET);
  if (raw !== views) return { raw, views };
  throw new IndelibleError("ERR_CONFIG", `tables and views are both to be in the dataset ${raw}`, {
    hint: "Set INDELIBLE_DATASET and INDELIBLE_VIEWS_DATASET to different names: a view has the name of its table.",
  });
}

function datasetNamed(env: Variables, variable: string, otherwise: string): string {
  const name = env[variable] || otherwise;
  if (/^\w{1,1024}$/.test(name)) return name;
  throw new IndelibleError("ERR_CONFIG", `${variable} is ${JSON.stringify(name)}, which is no name of a dataset`, {
    hint: `Set ${variable} to 1 to 1024 letters, digits and underscores, without the project.`,
  });
}

/**
 * What topics and subscriptions begin with: `INDELIBLE_TOPIC_PREFIX`, default `agent-logs`.
 *
 * @throws ERR_CONFIG when no ID of Pub/Sub can begin with it: 1 to 200 of its characters, a letter first, and not `goog`
 */
export function topicPrefixFromEnvironment(env: Variables): string {
  const prefix = env["INDELIBLE_TOPIC_PREFIX"] || DEFAULT_TOPIC_PREFIX;
  if (/^(?!goog)[A-Za-z][\w.~+%-]{0,199}$/.test(prefix)) return prefix;
  throw new IndelibleError(
    "ERR_CONFIG",
    `INDELIBLE_TOPIC_PREFIX is ${JSON.stringify(prefix)}, which no topic's ID can begin with`,
    {
      hint: "Set it to a letter, then letters, digits and -_.~+%, at most 200 in all, which must not begin with goog.",
    },
  );
}

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
