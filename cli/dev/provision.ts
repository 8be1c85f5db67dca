import type { BigQuery, Dataset, TableField, TableMetadata } from "@google-cloud/bigquery";
import type { PubSub } from "@google-cloud/pubsub";
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import { DEFAULT_TOPIC_PREFIX, defaultDatasets, type Datasets } from "@indelible/schemas/names.ts";
import { tables, type Table } from "@indelible/schemas/tables.ts";
import { declaredTopics, type DeclaredDelivery, type DeclaredTopic } from "@indelible/schemas/topics.ts";
import { viewsOf, type View } from "@indelible/schemas/views.ts";
import { differencesOf, secondsOf, settingsOf } from "../subscription-settings.ts";

/**
 * Creates what is missing of topics and subscriptions, points existing subscriptions to where the function is now, and sets what is not as it is
 * declared. Harmless to repeat.
 */
export async function provisionTopics(
  pubsub: PubSub,
  functionOrigin: string,
  prefix: string = DEFAULT_TOPIC_PREFIX,
): Promise<void> {
  const [deadLetters, ...others] = declaredTopics(prefix);
  if (deadLetters !== undefined) await provisionTopic(pubsub, deadLetters, functionOrigin);
  await Promise.all(others.map((topic) => provisionTopic(pubsub, topic, functionOrigin)));
}

async function provisionTopic(pubsub: PubSub, declared: DeclaredTopic, functionOrigin: string): Promise<void> {
  const { id, retentionSeconds, kept, delivery } = declared;
  const messageRetentionDuration = { seconds: retentionSeconds };
  if (!(await unlessExists(() => pubsub.createTopic({ name: id, messageRetentionDuration })))) {
    const [metadata] = await pubsub.topic(id).getMetadata();
    if (secondsOf(metadata.messageRetentionDuration) !== retentionSeconds)
      await pubsub.topic(id).setMetadata({ messageRetentionDuration });
  }
  for (const subscription of kept) {
    const retention = { messageRetentionDuration: { seconds: subscription.retentionSeconds } };
    await unlessExists(() => pubsub.createSubscription(id, subscription.id, retention));
  }
  await pushTo(pubsub, id, delivery, `${functionOrigin}/${delivery.path}`);
}

async function pushTo(pubsub: PubSub, topic: string, delivery: DeclaredDelivery, pushEndpoint: string): Promise<void> {
  const name = delivery.pushSubscription;
  const settings = settingsOf(delivery, pubsub.projectId);
  if (await unlessExists(() => pubsub.createSubscription(topic, name, { pushEndpoint, ...settings }))) return;
  const subscription = pubsub.subscription(name);
  const [metadata] = await subscription.getMetadata();
  if (metadata.pushConfig?.pushEndpoint !== pushEndpoint) await subscription.modifyPushConfig({ pushEndpoint });
  if (differencesOf(delivery, metadata, pubsub.projectId).length > 0) await subscription.setMetadata(settings);
}

/**
 * Creates what is missing of datasets, tables, columns and views, renews views whose query or columns have changed, lets columns be empty that are
 * not required any more, and lengthens the retention of tables that keep less than declared. One that is longer, or without an end, stays: a shorter one would delete rows at once, which nobody has
 * asked for. Harmless to repeat.
 */
export async function provisionWarehouse(bigquery: BigQuery, datasets: Datasets = defaultDatasets): Promise<void> {
  const raw = bigquery.dataset(datasets.raw);
  const views = bigquery.dataset(datasets.views);
  await Promise.all([raw, views].map((dataset) => unlessExists(() => dataset.create())));
  await Promise.all(Object.values(tables).map((table) => provisionTable(raw, table)));
  // One after the other: a view may read one that stands before it.
  for (const view of viewsOf(bigquery.projectId, datasets)) await provisionView(views, view);
}

async function provisionTable(dataset: Dataset, declaration: Table): Promise<void> {
  const definition = bigQueryTableOf(declaration) as TableMetadata;
  if (await unlessExists(() => dataset.createTable(declaration.name, definition))) return;
  const table = dataset.table(declaration.name);
  const [metadata] = await table.getMetadata();
  const stored = fieldsOf(metadata as TableMetadata);
  const fields = grown(stored, fieldsOf(definition));
  if (JSON.stringify(fields) !== JSON.stringify(stored)) await table.setMetadata({ schema: { fields } });
  if (expirationMsOf(metadata as TableMetadata) < expirationMsOf(definition)) {
    await table.setMetadata({ timePartitioning: bigQueryTableOf(declaration).timePartitioning });
  }
}

/**
 * The stored columns, then those that are missing, in structs as well. What may be empty by the declaration may be empty; nothing becomes required, because
 * rows may have it empty.
 */
function grown(stored: readonly TableField[], wanted: readonly TableField[]): TableField[] {
  const kept = stored.map((field) => {
    const declared = wanted.find(({ name }) => name === field.name);
    if (declared === undefined) return field;
    const isStrict = field.mode === "REQUIRED" && declared.mode === "NULLABLE";
    return {
      ...field,
      ...(isStrict && { mode: "NULLABLE" }),
      ...(field.fields !== undefined && { fields: grown(field.fields, declared.fields ?? []) }),
    };
  });
  const names = new Set(stored.map(({ name }) => name));
  return [...kept, ...wanted.filter(({ name }) => !names.has(name))];
}

/** How long a partition stays. */
function expirationMsOf({ timePartitioning }: TableMetadata): number {
  return Number((typeof timePartitioning === "object" ? timePartitioning.expirationMs : undefined) ?? Infinity);
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
