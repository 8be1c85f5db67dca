/** Commands that repair something in Google Cloud, to be pasted into a shell. */
import type { BigQueryField, BigQueryTable } from "@indelible/schemas/bigquery.ts";
import type { DeclaredDelivery, DeclaredTopic } from "@indelible/schemas/topics.ts";

/** A word of a shell: what `text` says, whatever it is. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function createTopicCommand(project: string, { id, retentionSeconds }: DeclaredTopic): string {
  return `gcloud pubsub topics create ${id} --project=${project} --message-retention-duration=${retentionSeconds}s`;
}

export function retainCommand(project: string, { id, retentionSeconds }: DeclaredTopic): string {
  return `gcloud pubsub topics update ${id} --project=${project} --message-retention-duration=${retentionSeconds}s`;
}

/** @param origin where the function is; undefined: whoever pastes it has to say */
export function createPushCommand(
  project: string,
  topic: string,
  delivery: DeclaredDelivery,
  origin = "FUNCTION_URL",
): string {
  return (
    `gcloud pubsub subscriptions create ${delivery.pushSubscription} --project=${project} --topic=${topic} ` +
    `--push-endpoint=${origin}/${delivery.path} --push-auth-service-account=INVOKER_ACCOUNT ` +
    `--expiration-period=never ${settingFlags(delivery)}`
  );
}

/** The account is named as well: an update of the endpoint alone takes authentication away. */
export function updateEndpointCommand(project: string, { pushSubscription, path }: DeclaredDelivery): string {
  return (
    `gcloud pubsub subscriptions update ${pushSubscription} --project=${project} ` +
    `--push-endpoint=FUNCTION_URL/${path} --push-auth-service-account=INVOKER_ACCOUNT`
  );
}

/** For the worker: without an endpoint, somebody has to pull. */
export function createPullCommand(project: string, topic: string, delivery: DeclaredDelivery): string {
  return `gcloud pubsub subscriptions create ${delivery.pullSubscription} --project=${project} --topic=${topic} --expiration-period=never ${settingFlags(delivery)}`;
}

/** Deletes it with what it still holds. On one machine by the broker's REST interface. */
export function deleteSubscriptionCommand({ project, local }: { project: string; local: boolean }, id: string): string {
  if (!local) return `gcloud pubsub subscriptions delete ${id} --project=${project}`;
  const base = process.env["CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB"] ?? "http://127.0.0.1:8086/";
  return `curl -X DELETE ${base}v1/projects/${project}/subscriptions/${id}`;
}

export function createKeptCommand(project: string, topic: string, id: string, retentionSeconds: number): string {
  return `gcloud pubsub subscriptions create ${id} --project=${project} --topic=${topic} --message-retention-duration=${retentionSeconds}s --expiration-period=never`;
}

export function updateSubscriptionCommand(project: string, id: string, delivery: DeclaredDelivery): string {
  return `gcloud pubsub subscriptions update ${id} --project=${project} ${settingFlags(delivery)}`;
}

export function neverExpireCommand(project: string, id: string): string {
  return `gcloud pubsub subscriptions update ${id} --project=${project} --expiration-period=never`;
}

function settingFlags({ ackDeadlineSeconds, backoffSeconds, lastResort }: DeclaredDelivery): string {
  const { min, max } = backoffSeconds;
  const policy =
    lastResort === undefined
      ? ""
      : ` --dead-letter-topic=${lastResort.topic} --max-delivery-attempts=${lastResort.maxDeliveryAttempts}`;
  return `--ack-deadline=${ackDeadlineSeconds} --min-retry-delay=${min}s --max-retry-delay=${max}s${policy}`;
}

/** Runs a statement of GoogleSQL. */
export function sqlCommand(project: string, statement: string): string {
  return `bq query --project_id=${project} --use_legacy_sql=false ${shellWord(statement)}`;
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
