/** Commands that repair something in Google Cloud, to be pasted into a shell. */
import type { BigQueryField, BigQueryTable } from "@indelible/schemas/bigquery.ts";
import type { DeclaredDelivery, DeclaredTopic, KeptSubscription } from "@indelible/schemas/topics.ts";
import { commandLine, shellLines } from "../terminal/shell-word.ts";

export function createTopicCommand(project: string, { id, retentionSeconds }: DeclaredTopic): string {
  return gcloud(project, "topics", "create", id, `--message-retention-duration=${retentionSeconds}s`);
}

export function retainCommand(project: string, { id, retentionSeconds }: DeclaredTopic): string {
  return gcloud(project, "topics", "update", id, `--message-retention-duration=${retentionSeconds}s`);
}

/** @param origin where the function is; undefined: whoever pastes it has to say */
export function createPushCommand(
  project: string,
  topic: string,
  delivery: DeclaredDelivery,
  origin: string = "FUNCTION_URL",
): string {
  const flags = [...endpointFlags(origin, delivery), neverExpire, ...settingFlags(delivery)];
  return gcloud(project, "subscriptions", "create", delivery.pushSubscription, `--topic=${topic}`, ...flags);
}

/** For the worker: without an endpoint, somebody has to pull. */
export function createPullCommand(project: string, topic: string, delivery: DeclaredDelivery): string {
  const flags = [neverExpire, ...settingFlags(delivery)];
  return gcloud(project, "subscriptions", "create", delivery.pullSubscription, `--topic=${topic}`, ...flags);
}

/** The account is named as well: an update of the endpoint alone takes authentication away. */
export function updateEndpointCommand(project: string, delivery: DeclaredDelivery): string {
  const flags = endpointFlags("FUNCTION_URL", delivery);
  return gcloud(project, "subscriptions", "update", delivery.pushSubscription, ...flags);
}

/** Deletes it with what it still holds. On one machine by the broker's REST interface. */
export function deleteSubscriptionCommand({ project, local }: { project: string; local: boolean }, id: string): string {
  if (!local) return gcloud(project, "subscriptions", "delete", id);
  return commandLine("curl", "-X", "DELETE", localSubscription(project, id));
}

export function createKeptCommand(project: string, topic: string, id: string, retentionSeconds: number): string {
  const retention = `--message-retention-duration=${retentionSeconds}s`;
  return gcloud(project, "subscriptions", "create", id, `--topic=${topic}`, retention, neverExpire);
}

export function updateSubscriptionCommand(project: string, id: string, delivery: DeclaredDelivery): string {
  const none = delivery.lastResort === undefined ? ["--clear-dead-letter-policy"] : [];
  return gcloud(project, "subscriptions", "update", id, ...settingFlags(delivery), ...none);
}

export function keepLongerCommand(project: string, { id, retentionSeconds }: KeptSubscription): string {
  return gcloud(project, "subscriptions", "update", id, `--message-retention-duration=${retentionSeconds}s`);
}

/** From now on it waits until somebody pulls. */
export function stopPushingCommand({ project, local }: { project: string; local: boolean }, id: string): string {
  if (!local) return gcloud(project, "subscriptions", "modify-push-config", id, "--push-endpoint=");
  const json = ["-H", "Content-Type: application/json", "-d", '{"pushConfig": {}}'];
  return commandLine("curl", "-X", "POST", ...json, `${localSubscription(project, id)}:modifyPushConfig`);
}

export function neverExpireCommand(project: string, id: string): string {
  return gcloud(project, "subscriptions", "update", id, neverExpire);
}

const neverExpire = "--expiration-period=never";

/** `gcloud pubsub KIND VERB ID` in a project. */
function gcloud(project: string, kind: string, verb: string, id: string, ...flags: readonly string[]): string {
  return commandLine("gcloud", "pubsub", kind, verb, id, `--project=${project}`, ...flags);
}

function endpointFlags(origin: string, { path }: DeclaredDelivery): string[] {
  return [`--push-endpoint=${origin}/${path}`, "--push-auth-service-account=INVOKER_ACCOUNT"];
}

function settingFlags({ ackDeadlineSeconds, backoffSeconds, lastResort }: DeclaredDelivery): string[] {
  const { min, max } = backoffSeconds;
  const policy =
    lastResort === undefined
      ? []
      : [`--dead-letter-topic=${lastResort.topic}`, `--max-delivery-attempts=${lastResort.maxDeliveryAttempts}`];
  return [`--ack-deadline=${ackDeadlineSeconds}`, `--min-retry-delay=${min}s`, `--max-retry-delay=${max}s`, ...policy];
}

/** In the broker's REST interface. */
function localSubscription(project: string, id: string): string {
  const base = process.env["CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB"] || "http://127.0.0.1:8086/";
  return `${base}v1/projects/${project}/subscriptions/${id}`;
}

/** Runs a statement of GoogleSQL. */
export function sqlCommand(project: string, statement: string): string {
  return `${commandLine("bq", "query", `--project_id=${project}`, "--use_legacy_sql=false")} ${shellLines(statement)}`;
}

export function createTableStatement(
  name: string,
  { description, schema, timePartitioning, clustering }: BigQueryTable,
): string {
  const days = Number(timePartitioning.expirationMs) / 86_400_000;
  return (
    `CREATE TABLE IF NOT EXISTS \`${name}\` (${schema.fields.map(columnDefinition).join(", ")}) ` +
    `PARTITION BY TIMESTAMP_TRUNC(${timePartitioning.field}, DAY) CLUSTER BY ${clustering.fields.join(", ")} ` +
    `OPTIONS (partition_expiration_days = ${days}, description = ${JSON.stringify(description)})`
  );
}

/** Lets a column be empty. */
export function dropNotNullStatement(table: string, { name }: BigQueryField): string {
  return `ALTER TABLE \`${table}\` ALTER COLUMN \`${name}\` DROP NOT NULL`;
}

/** A column is added nullable: there are rows already. */
export function addColumnsStatement(name: string, fields: readonly BigQueryField[]): string {
  return `ALTER TABLE \`${name}\` ${fields.map((field) => `ADD COLUMN IF NOT EXISTS \`${field.name}\` ${typeText(field)}`).join(", ")}`;
}

function columnDefinition(field: BigQueryField): string {
  return `\`${field.name}\` ${typeText(field)}${field.mode === "REQUIRED" ? " NOT NULL" : ""}`;
}

const sqlTypes = { INTEGER: "INT64", FLOAT: "FLOAT64", BOOLEAN: "BOOL" } as const;

function typeText({ type, mode, fields = [] }: BigQueryField): string {
  const text =
    type === "RECORD"
      ? `STRUCT<${fields.map((field) => `\`${field.name}\` ${typeText(field)}`).join(", ")}>`
      : type in sqlTypes
        ? sqlTypes[type as keyof typeof sqlTypes]
        : type;
  return mode === "REPEATED" ? `ARRAY<${text}>` : text;
}
