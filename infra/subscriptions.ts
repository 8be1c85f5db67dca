import { interpolate, type Output } from "@pulumi/pulumi";
import { ServiceIdentity } from "@pulumi/gcp/projects/index.js";
import { Subscription, SubscriptionIAMMember, TopicIAMMember, type Topic } from "@pulumi/gcp/pubsub/index.js";
import { IAMMember, type Account } from "@pulumi/gcp/serviceaccount/index.js";
import { deadLetterTopic } from "@indelible/schemas/names.ts";
import { declaredTopics, type DeclaredTopic } from "@indelible/schemas/topics.ts";
import type { Stack } from "./stack.ts";
import type { Topics } from "./topics.ts";

/** By the subscription's ID. */
export type Subscriptions = ReadonlyMap<string, Subscription>;

export interface Deliveries {
  readonly topics: Topics;
  /** Where the function is called, as `https://…`, without a path. */
  readonly functionUri: Output<string>;
  /** Whose token push requests bear. */
  readonly pusher: Account;
}

/**
 * The subscription by which each topic's messages are taken, by the function or by the worker in its place, and those that nobody need read.
 *
 * Which of the two there is may change: then the other is no longer part of the program, and stays in the cloud as it is, because only it has what
 * was not acknowledged yet. Both deliver until it is deleted by hand (docs/operate.md); what both deliver is written twice at most and read once.
 * With `deletionProtection: false` it is deleted at once, and with it what was not acknowledged.
 */
export function createSubscriptions(stack: Stack, { topics, functionUri, pusher }: Deliveries): Subscriptions {
  const { settings, names } = stack;
  const { projectId: project } = settings;
  const declared = declaredTopics(names.topicPrefix);
  const agent = pubSubAgent(project);

  // First of all: what is forwarded to a topic without subscriptions is gone.
  const kept = declared.flatMap((topic) =>
    topic.kept.map(({ id, retentionSeconds }) => {
      const subscription = new Subscription(
        id,
        {
          ...common(stack, id, topicIn(topics, topic.id)),
          messageRetentionDuration: `${retentionSeconds}s`,
          ackDeadlineSeconds: topic.delivery.ackDeadlineSeconds,
        },
        { protect: settings.deletionProtection },
      );
      return [id, subscription] as const;
    }),
  );
  const deadLetters = topicIn(topics, deadLetterTopic(names.topicPrefix));
  const mayForward = new TopicIAMMember("forwarding", {
    project,
    topic: deadLetters.name,
    role: "roles/pubsub.publisher",
    member: agent,
  });
  const mayMint = new IAMMember("push-tokens", { ...mintTokens(pusher), member: agent });

  const safety = [mayForward, mayMint, ...kept.map(([, subscription]) => subscription)];
  const delivery = declared.map((topic) => {
    const { pullSubscription, pushSubscription } = topic.delivery;
    const id = settings.worker === undefined ? pushSubscription : pullSubscription;
    const retainOnDelete = settings.deletionProtection;
    const subscription = new Subscription(
      id,
      {
        ...deliveryOf(stack, topic, id, topicIn(topics, topic.id), deadLetters),
        ...(settings.worker === undefined && { pushConfig: push(topic, functionUri, pusher) }),
      },
      { dependsOn: safety, retainOnDelete },
    );
    if (topic.delivery.lastResort !== undefined) letForward(stack, subscription, id, agent);
    return [id, subscription] as const;
  });
  return new Map([...kept, ...delivery]);
}

/** Without it Pub/Sub cannot take from the subscription what it forwards, and delivers it for ever. */
function letForward(
  { settings }: Stack,
  { name: subscription }: Subscription,
  id: string,
  member: Output<string>,
): SubscriptionIAMMember {
  return new SubscriptionIAMMember(
    `forwarding ${id}`,
    { project: settings.projectId, subscription, role: "roles/pubsub.subscriber", member },
    { retainOnDelete: settings.deletionProtection },
  );
}

/** Pub/Sub's own account in the project. It is there once somebody needed it, or asked for it as here. */
function pubSubAgent(project: string): Output<string> {
  return new ServiceIdentity("pubsub-agent", { project, service: "pubsub.googleapis.com" }).member;
}

/**
 * The role that Pub/Sub gives its account in every project mints tokens of all accounts there. An organization that takes that role away leaves push
 * working by this one, which mints identity tokens of the pusher and nothing else.
 */
function mintTokens(pusher: Account): { readonly serviceAccountId: Output<string>; readonly role: string } {
  return { serviceAccountId: pusher.name, role: "roles/iam.serviceAccountOpenIdTokenCreator" };
}

interface Common {
  readonly name: string;
  readonly topic: Output<string>;
  readonly expirationPolicy: { readonly ttl: "" };
  readonly labels: { [label: string]: string };
}

function common({ names }: Stack, name: string, topic: Topic): Common {
  // Without a policy a subscription that nobody uses is deleted after 31 days.
  return { name, topic: topic.id, expirationPolicy: { ttl: "" }, labels: { ...names.labels } };
}

function deliveryOf(stack: Stack, declared: DeclaredTopic, id: string, topic: Topic, deadLetters: Topic) {
  const { ackDeadlineSeconds, backoffSeconds, lastResort } = declared.delivery;
  return {
    ...common(stack, id, topic),
    ackDeadlineSeconds,
    // As long as the topic has it: by default, what is not acknowledged for 7 days is dropped.
    messageRetentionDuration: `${declared.retentionSeconds}s`,
    retryPolicy: { minimumBackoff: `${backoffSeconds.min}s`, maximumBackoff: `${backoffSeconds.max}s` },
    ...(lastResort !== undefined && {
      deadLetterPolicy: { deadLetterTopic: deadLetters.id, maxDeliveryAttempts: lastResort.maxDeliveryAttempts },
    }),
  };
}

function push({ delivery }: DeclaredTopic, functionUri: Output<string>, pusher: Account) {
  return {
    pushEndpoint: interpolate`${functionUri}/${delivery.path}`,
    oidcToken: { serviceAccountEmail: pusher.email, audience: functionUri },
  };
}

function topicIn(topics: Topics, id: string): Topic {
  const topic = topics.get(id);
  if (topic === undefined) throw new Error(`there is no topic ${id}`);
  return topic;
}
