import type { BigQuery, Dataset, TableField, TableMetadata } from "@google-cloud/bigquery";
import type { PubSub } from "@google-cloud/pubsub";
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import {
  accessAuditTopic,
  AUDIT_PATH,
  deadLetterTopic,
  ingestedTables,
  pushSubscriptionOf,
  RAW_DATASET,
  topicOf,
  VIEWS_DATASET,
} from "@indelible/schemas/names.ts";
import { tables, type Table } from "@indelible/schemas/tables.ts";
import { viewsOf, type View } from "@indelible/schemas/views.ts";

const retentionSeconds = 31 * 86_400;
const ackDeadlineSeconds = 60;
const retryPolicy = { minimumBackoff: { seconds: 1 }, maximumBackoff: { seconds: 60 } };
/** The last resort, about an hour and a half after the first attempt: what is permanently at fault is dead-lettered by the function at once. */
const maxDeliveryAttempts = 100;

/** Topics whose messages the function makes rows of, apart from dead letters, and the path that each is pushed to. */
const functionTopics: readonly { readonly topic: string; readonly path: string }[] = [
  ...ingestedTables.map((table) => ({ topic: topicOf(table), path: table })),
  { topic: accessAuditTopic(), path: AUDIT_PATH },
];

/**
 * Creates what is missing of topics and subscriptions, and points existing subscriptions to where the function is now.
 * Harmless to repeat.
 */
export async function provisionTopics(pubsub: PubSub, functionOrigin: string): Promise<void> {
  await provisionTopic(pubsub, deadLetterTopic());
  // Keeps dead letters for people even when the function cannot take them.
  await unlessExists(() =>
    pubsub.createSubscription(deadLetterTopic(), `${deadLetterTopic()}.safety-net`, {
      messageRetentionDuration: { seconds: retentionSeconds },
    }),
  );
  await Promise.all([
    // Not its own dead letters: what the function cannot take stays in Pub/Sub.
    pushTo(pubsub, deadLetterTopic(), `${functionOrigin}/dead_letters`, {}),
    ...functionTopics.map(async ({ topic, path }) => {
      await provisionTopic(pubsub, topic);
      const deadLetterPolicy = {
        deadLetterTopic: `projects/${pubsub.projectId}/topics/${deadLetterTopic()}`,
        maxDeliveryAttempts,
      };
      await pushTo(pubsub, topic, `${functionOrigin}/${path}`, { deadLetterPolicy });
    }),
  ]);
}

async function provisionTopic(pubsub: PubSub, name: string): Promise<void> {
  await unlessExists(() => pubsub.createTopic({ name, messageRetentionDuration: { seconds: retentionSeconds } }));
}

interface LastResort {
  readonly deadLetterPolicy?: { readonly deadLetterTopic: string; readonly maxDeliveryAttempts: number };
}

async function pushTo(pubsub: PubSub, topic: string, pushEndpoint: string, lastResort: LastResort): Promise<void> {
  const name = pushSubscriptionOf(topic);
  const created = await unlessExists(() =>
    pubsub.createSubscription(topic, name, { pushEndpoint, ackDeadlineSeconds, retryPolicy, ...lastResort }),
  );
  if (created) return;
  const subscription = pubsub.subscription(name);
  const [metadata] = await subscription.getMetadata();
  if (metadata.pushConfig?.pushEndpoint !== pushEndpoint) await subscription.modifyPushConfig({ pushEndpoint });
  // One that an earlier version has made.
  if (lastResort.deadLetterPolicy !== undefined && !metadata.deadLetterPolicy) {
    await subscription.setMetadata({ ...lastResort, retryPolicy });
  }
}

/**
 * Creates what is missing of datasets, tables, columns and views, and renews views whose query or columns have changed. Harmless to repeat.
 */
export async function provisionWarehouse(bigquery: BigQuery): Promise<void> {
  const raw = bigquery.dataset(RAW_DATASET);
  const views = bigquery.dataset(VIEWS_DATASET);
  await Promise.all([raw, views].map((dataset) => unlessExists(() => dataset.create())));
  await Promise.all(Object.values(tables).map((table) => provisionTable(raw, table)));
  // One after the other: a view may read one that stands before it.
  for (const view of viewsOf(bigquery.projectId)) await provisionView(views, view);
}

async function provisionTable(dataset: Dataset, declaration: Table): Promise<void> {
  const definition = bigQueryTableOf(declaration) as TableMetadata;
  if (await unlessExists(() => dataset.createTable(declaration.name, definition))) return;
  const table = dataset.table(declaration.name);
  const [metadata] = await table.getMetadata();
  const stored = fieldsOf(metadata as TableMetadata);
  const names = new Set(stored.map(({ name }) => name));
  const added = fieldsOf(definition).filter(({ name }) => !names.has(name));
  if (added.length > 0) await table.setMetadata({ schema: { fields: [...stored, ...added] } });
}

function fieldsOf({ schema }: TableMetadata): readonly TableField[] {
  return typeof schema === "object" && "fields" in schema ? (schema.fields ?? []) : [];
}

async function provisionView(dataset: Dataset, { name, description, query, columns }: View): Promise<void> {
  const definition: TableMetadata = { description, view: { query, useLegacySql: false } };
  if (await unlessExists(() => dataset.createTable(name, definition))) return;
  const view = dataset.table(name);
  const [metadata] = await view.getMetadata();
  const stored = (metadata as TableMetadata).view;
  const current = typeof stored === "string" ? stored : stored?.query;
  // `SELECT *` goes on meaning the columns that there were.
  const names = new Set(fieldsOf(metadata as TableMetadata).map((field) => field.name));
  if (current !== query || columns.some((column) => !names.has(column))) await view.setMetadata(definition);
}

const GRPC_ALREADY_EXISTS = 6;
const HTTP_CONFLICT = 409;

/** Whether `create` created it; false when it was there already. */
async function unlessExists(create: () => Promise<unknown>): Promise<boolean> {
  try {
    await create();
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === GRPC_ALREADY_EXISTS || code === HTTP_CONFLICT) return false;
    throw error;
  }
}
