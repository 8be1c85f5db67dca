import type { BigQuery, Dataset, TableMetadata } from "@google-cloud/bigquery";
import type { PubSub } from "@google-cloud/pubsub";
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import {
  deadLetterTopic,
  publishedTables,
  pushSubscriptionOf,
  RAW_DATASET,
  topicOf,
  VIEWS_DATASET,
} from "@indelible/schemas/names.ts";
import { tables } from "@indelible/schemas/tables.ts";
import { viewsOf, type View } from "@indelible/schemas/views.ts";

const retentionSeconds = 31 * 86_400;
const ackDeadlineSeconds = 60;
const retryPolicy = { minimumBackoff: { seconds: 1 }, maximumBackoff: { seconds: 10 } };

/**
 * Creates what is missing of topics and subscriptions, and points existing subscriptions to where the function is now.
 * Harmless to repeat.
 */
export async function provisionTopics(pubsub: PubSub, functionOrigin: string): Promise<void> {
  const pushes = [
    ...publishedTables.map((table) => ({ topic: topicOf(table), path: table })),
    { topic: deadLetterTopic(), path: "dead_letters" },
  ];
  await Promise.all(
    pushes.map(async ({ topic, path }) => {
      await unlessExists(() =>
        pubsub.createTopic({ name: topic, messageRetentionDuration: { seconds: retentionSeconds } }),
      );
      await pushTo(pubsub, topic, `${functionOrigin}/${path}`);
    }),
  );
  // Keeps dead letters for people even when the function cannot take them.
  await unlessExists(() =>
    pubsub.createSubscription(deadLetterTopic(), `${deadLetterTopic()}.safety-net`, {
      messageRetentionDuration: { seconds: retentionSeconds },
    }),
  );
}

async function pushTo(pubsub: PubSub, topic: string, pushEndpoint: string): Promise<void> {
  const name = pushSubscriptionOf(topic);
  const created = await unlessExists(() =>
    pubsub.createSubscription(topic, name, { pushEndpoint, ackDeadlineSeconds, retryPolicy }),
  );
  if (created) return;
  const subscription = pubsub.subscription(name);
  const [metadata] = await subscription.getMetadata();
  if (metadata.pushConfig?.pushEndpoint !== pushEndpoint) await subscription.modifyPushConfig({ pushEndpoint });
}

/**
 * Creates what is missing of datasets, tables and views, and renews views whose query has changed. Harmless to repeat.
 */
export async function provisionWarehouse(bigquery: BigQuery): Promise<void> {
  const raw = bigquery.dataset(RAW_DATASET);
  const views = bigquery.dataset(VIEWS_DATASET);
  await Promise.all([raw, views].map((dataset) => unlessExists(() => dataset.create())));
  await Promise.all(
    Object.values(tables).map((table) =>
      unlessExists(() => raw.createTable(table.name, bigQueryTableOf(table) as TableMetadata)),
    ),
  );
  // One after the other: a view may read one that stands before it.
  for (const view of viewsOf(bigquery.projectId)) await provisionView(views, view);
}

async function provisionView(dataset: Dataset, { name, description, query }: View): Promise<void> {
  const definition: TableMetadata = { description, view: { query, useLegacySql: false } };
  if (await unlessExists(() => dataset.createTable(name, definition))) return;
  const view = dataset.table(name);
  const [metadata] = await view.getMetadata();
  const stored = (metadata as TableMetadata).view;
  const current = typeof stored === "string" ? stored : stored?.query;
  if (current !== query) await view.setMetadata(definition);
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
