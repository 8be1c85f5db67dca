import { pushSubscriptionOf } from "@indelible/schemas/names.ts";
import { declaredTopics, type DeclaredTopic } from "@indelible/schemas/topics.ts";
import { differencesOf, secondsOf, topicName, type FoundSettings } from "../subscription-settings.ts";
import { counted } from "../terminal/table.ts";
import { orWell, unknownBecause, type Finding } from "./check.ts";
import {
  createKeptCommand,
  createPullCommand,
  createPushCommand,
  createTopicCommand,
  deleteSubscriptionCommand,
  neverExpireCommand,
  retainCommand,
  updateEndpointCommand,
  updateSubscriptionCommand,
} from "./commands.ts";
import { daysText } from "./days.ts";
import type { Installation } from "./installation.ts";
import { driftOfKept, misplacedKept } from "./kept.ts";

type Duration = { readonly seconds?: unknown } | null;

/** What Pub/Sub says of a topic, as far as it is looked at. */
export interface FoundTopic {
  readonly messageRetentionDuration?: Duration;
}

/** What Pub/Sub says of a subscription, as far as it is looked at. */
export interface FoundSubscription extends FoundSettings {
  /** Full name, or `_deleted-topic_`. */
  readonly topic?: string | null;
  readonly pushConfig?: { readonly pushEndpoint?: string | null } | null;
  readonly messageRetentionDuration?: Duration;
  readonly expirationPolicy?: { readonly ttl?: Duration } | null;
  readonly detached?: boolean | null;
}

/** Something that was asked for by name: there, not there, or not to be found out. */
export type Looked<T> = { readonly found: T | undefined } | { readonly failure: unknown };

export interface LookedTopic {
  readonly declared: DeclaredTopic;
  readonly topic: Looked<FoundTopic>;
  /** By ID: that of the function, that of the worker, and those that are kept. */
  readonly subscriptions: ReadonlyMap<string, Looked<FoundSubscription>>;
}

/** Where things are and how they are called, for the findings and their fixes. */
export type Place = Pick<Installation, "project" | "local" | "restart" | "data">;

/** Asks for every declared topic and its subscriptions. */
export function lookAtTopics({ pubsub, topicPrefix }: Installation): Promise<LookedTopic[]> {
  return Promise.all(
    declaredTopics(topicPrefix).map(async (declared) => {
      const { pushSubscription, pullSubscription } = declared.delivery;
      const ids = [pushSubscription, pullSubscription, ...declared.kept.map(({ id }) => id)];
      const [topic, ...subscriptions] = await Promise.all([
        looked<FoundTopic>(async () => (await pubsub.topic(declared.id).getMetadata())[0]),
        ...ids.map((id) => looked<FoundSubscription>(async () => (await pubsub.subscription(id).getMetadata())[0])),
      ]);
      const entries = ids.map((id, at) => [id, subscriptions[at] ?? { found: undefined }] as const);
      return { declared, topic, subscriptions: new Map(entries) };
    }),
  );
}

const GRPC_NOT_FOUND = 5;

/** What `ask` is answered with, which is not undefined. */
export async function looked<T>(ask: () => Promise<T>): Promise<Looked<T>> {
  try {
    return { found: await ask() };
  } catch (failure) {
    const code = failure instanceof Error && "code" in failure ? failure.code : undefined;
    return code === GRPC_NOT_FOUND ? { found: undefined } : { failure };
  }
}

/** Whether each topic is there and keeps messages for as long as declared. */
export function findingsOfTopics(
  topics: readonly LookedTopic[],
  { project, local, restart }: Place,
): readonly Finding[] {
  const findings = topics.flatMap(({ declared, topic }): Finding[] => {
    const subject = declared.id;
    if ("failure" in topic) return [unknownBecause(`topic ${subject}`, topic.failure, subject)];
    if (topic.found === undefined) {
      const fix = local ? restart : createTopicCommand(project, declared);
      return [
        { subject, status: "problem", finding: `Topic ${subject} is not there: nothing can be published to it.`, fix },
      ];
    }
    const seconds = secondsOf(topic.found.messageRetentionDuration) ?? 0;
    if (seconds >= declared.retentionSeconds) return [];
    const finding = `Topic ${subject} keeps messages for ${daysText(seconds)} instead of ${daysText(declared.retentionSeconds)}.`;
    return [{ subject, status: "warning", finding, fix: local ? restart : retainCommand(project, declared) }];
  });
  return orWell(findings, `${counted(topics.length, "topic")}, each keeps messages for 31 days.`);
}

/** Whether each topic that is there has somebody who takes its messages, and whether each subscription is set as declared. */
export function findingsOfSubscriptions(topics: readonly LookedTopic[], place: Place): readonly Finding[] {
  const origin = originsOf(topics)[0];
  const findings = topics.flatMap((topic) => findingsOfOne(topic, place, origin));
  return orWell(findings, "Each topic has its subscription, with retries and a last resort as declared.");
}

function findingsOfOne(looked: LookedTopic, place: Place, origin: string | undefined): Finding[] {
  const { project, local, restart } = place;
  const { declared, subscriptions } = looked;
  const { delivery, kept } = declared;
  const findings: Finding[] = [];
  const there: [string, FoundSubscription][] = [];
  for (const [id, one] of subscriptions) {
    if ("failure" in one) findings.push(unknownBecause(`subscription ${id}`, one.failure, id));
    else if (one.found !== undefined) there.push([id, one.found]);
  }
  for (const [id, found] of there) findings.push(...findingsOfSubscription(id, found, looked, place, origin));
  // Of a topic that is not there, that is what is said.
  if (!isThere(looked)) return findings;
  const has = (id: string): boolean => there.some(([name]) => name === id);
  const { pushSubscription, pullSubscription } = delivery;
  const isUnknown = [...subscriptions.values()].some((one) => "failure" in one);
  if (!isUnknown && !has(pushSubscription) && !has(pullSubscription)) {
    const finding = `Topic ${declared.id} has no subscription of the function or the worker: what is published waits, and is gone after ${daysText(declared.retentionSeconds)}.`;
    const fix = local ? restart : createPushCommand(project, declared.id, delivery, origin);
    findings.push({ subject: pushSubscription, status: "problem", finding, fix });
  }
  for (const { id, retentionSeconds } of kept) {
    if (isUnknown || has(id)) continue;
    const finding = `Subscription ${id} is not there: dead letters that the function cannot take are lost.`;
    const fix = local ? restart : createKeptCommand(project, declared.id, id, retentionSeconds);
    findings.push({ subject: id, status: "problem", finding, fix });
  }
  return findings;
}

function findingsOfSubscription(
  id: string,
  found: FoundSubscription,
  looked: LookedTopic,
  place: Place,
  origin: string | undefined,
): Finding[] {
  const { project, local, restart } = place;
  const { declared } = looked;
  const { delivery } = declared;
  const kept = declared.kept.find((one) => one.id === id);
  const findings: Finding[] = [];
  const isOf = strangeTopicOf(found, topicName(project, declared.id));
  if (isOf !== undefined) {
    const detached = found.detached === true;
    if (kept !== undefined)
      return [misplacedKept(kept, declared, place, { hasTopic: isThere(looked), detached, isOf })];
    const finding = `Subscription ${id} is of ${isOf}: it gets nothing that is published.`;
    const create =
      id === delivery.pullSubscription
        ? createPullCommand(project, declared.id, delivery)
        : createPushCommand(project, declared.id, delivery, origin);
    const steps = [
      detached ? "What it held, Pub/Sub has dropped:" : "When it has delivered what it still holds:",
      deleteSubscriptionCommand(place, id),
      local ? restart : create,
    ];
    return [{ subject: id, status: "problem", finding, fix: steps.join("\n") }];
  }
  const ttl = secondsOf(found.expirationPolicy?.ttl);
  if (ttl !== undefined && ttl > 0) {
    const finding = `Subscription ${id} is deleted, with what waits in it, when nobody uses it for ${daysText(ttl)}.`;
    findings.push({ subject: id, status: "warning", finding, fix: neverExpireCommand(project, id) });
  }
  if (kept !== undefined) return [...findings, ...driftOfKept(kept, found, declared, place)];
  for (const { setting, declared: isToBe, found: is } of differencesOf(delivery, found, project)) {
    const finding = `Subscription ${id} has ${settingNames[setting]} ${is} instead of ${isToBe}.`;
    const fix = local ? restart : updateSubscriptionCommand(project, id, delivery);
    // Without its last resort a message that always fails is delivered until it is too old, and then lost.
    findings.push({ subject: id, status: setting === "deadLetterPolicy" ? "problem" : "warning", finding, fix });
  }
  const endpoint = found.pushConfig?.pushEndpoint ?? "";
  if (id === delivery.pushSubscription && !endpoint.endsWith(`/${delivery.path}`)) {
    const finding = `Subscription ${id} pushes to ${endpoint === "" ? "nobody" : endpoint} instead of …/${delivery.path}.`;
    const fix = local ? restart : updateEndpointCommand(project, delivery);
    findings.push({ subject: id, status: "problem", finding, fix });
  }
  return findings;
}

/** What a subscription is of when it is not of `topic`, for people; undefined when it is. */
function strangeTopicOf({ topic: found, detached }: FoundSubscription, topic: string): string | undefined {
  if (detached === true) return "no topic any more, it was detached";
  if (found === topic) return undefined;
  return found === "_deleted-topic_" ? "a topic that was deleted" : (found ?? "no topic");
}

const settingNames = {
  ackDeadlineSeconds: "an acknowledgement deadline of",
  retryPolicy: "a retry delay of",
  deadLetterPolicy: "as last resort",
} as const;

function isThere({ topic }: LookedTopic): boolean {
  return "found" in topic && topic.found !== undefined;
}

/** Where subscriptions push to, each once, the most frequent first. */
export function originsOf(topics: readonly LookedTopic[]): string[] {
  const origins = topics.flatMap(({ declared, subscriptions }) => {
    const one = subscriptions.get(pushSubscriptionOf(declared.id));
    const endpoint = one !== undefined && "found" in one ? one.found?.pushConfig?.pushEndpoint : undefined;
    const url = URL.parse(endpoint ?? "");
    return url === null ? [] : [`${url.origin}${url.pathname.replace(/\/[^/]*$/, "")}`];
  });
  const counts = [...Map.groupBy(origins, (origin) => origin)];
  return counts.toSorted(([, one], [, other]) => other.length - one.length).map(([origin]) => origin);
}
