import type { DatabaseSync } from "node:sqlite";
import { firstIdAt } from "./messages.ts";
import type { Subscription } from "./subscriptions.ts";

/**
 * Rewrites what `subscription` has still to acknowledge: nothing before message `fromId`; from it on, beside what it
 * has not acknowledged anyway, all that its own retention or its topic's keeps. Must run inside a change of `Commits`.
 */
export function seekDeliveries(
  database: DatabaseSync,
  subscription: Subscription,
  fromId: number,
  nowMs: number,
): void {
  database.prepare("DELETE FROM deliveries WHERE subscription_id = ? AND message_id < ?").run(subscription.id, fromId);
  const retainedFrom = Math.min(retainedByTopic(subscription, nowMs), retainedBySubscription(subscription, nowMs));
  if (retainedFrom === Infinity) return;
  database
    .prepare(
      `INSERT OR IGNORE INTO deliveries (subscription_id, message_id)
       SELECT ?, id FROM messages WHERE topic_id = ? AND id >= ?`,
    )
    .run(subscription.id, subscription.topic.id, Math.max(fromId, retainedFrom));
}

function retainedByTopic({ topic }: Subscription, nowMs: number): number {
  return topic.config.retentionMs > 0 ? firstIdAt(nowMs - topic.config.retentionMs) : Infinity;
}

function retainedBySubscription({ config, afterMessageId }: Subscription, nowMs: number): number {
  if (!config.retainAckedMessages) return Infinity;
  return Math.max(afterMessageId + 1, firstIdAt(nowMs - config.retentionMs));
}
