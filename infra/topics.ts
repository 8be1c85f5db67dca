import { Topic } from "@pulumi/gcp/pubsub/index.js";
import { declaredTopics } from "@indelible/schemas/topics.ts";
import type { Stack } from "./stack.ts";

/** By the topic's ID. */
export type Topics = ReadonlyMap<string, Topic>;

/** Every topic of the declaration. Messages stay for 31 days, also those that were acknowledged: what a disaster took is replayed from there. */
export function createTopics({ settings, names }: Stack): Topics {
  return new Map(
    declaredTopics(names.topicPrefix).map(({ id, retentionSeconds }) => [
      id,
      new Topic(
        id,
        {
          name: id,
          messageRetentionDuration: `${retentionSeconds}s`,
          // Not in transit: Pub/Sub would refuse every publisher that is nearer to another region, and there would be no other way in.
          messageStoragePolicy: { allowedPersistenceRegions: [settings.region] },
          labels: names.labels,
        },
        { protect: settings.deletionProtection },
      ),
    ]),
  );
}
