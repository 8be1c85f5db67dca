/** The subscription that keeps dead letters for people: it may be all that still has them, so nothing here deletes it before they are elsewhere. */
import type { DeclaredTopic, KeptSubscription } from "@indelible/schemas/topics.ts";
import type { Finding } from "./check.ts";
import {
  createKeptCommand,
  createTopicCommand,
  deleteSubscriptionCommand,
  keepLongerCommand,
  stopPushingCommand,
} from "./commands.ts";
import { secondsOf } from "../subscription-settings.ts";
import { commandOn } from "./surroundings.ts";
import { daysText } from "./days.ts";
import type { FoundSubscription, Place } from "./topics.ts";

/** What is known of a subscription that is not as it has to be. */
export interface KeptState {
  /** Whether what is restored has somewhere to go. */
  readonly hasTopic: boolean;
  /** Pub/Sub drops what a subscription holds when it is detached, and refuses whoever pulls from it. */
  readonly detached: boolean;
}

/** How it is brought back to its topic. */
export function keptAgainSteps(
  kept: KeptSubscription,
  declared: DeclaredTopic,
  place: Place,
  { hasTopic, detached }: KeptState,
): string {
  const { project, local, restart, data } = place;
  const topicAgain = local ? restart : createTopicCommand(project, declared);
  return [
    ...(hasTopic ? [] : [topicAgain]),
    "First publish again what only it has, and read what is named as stuck by pulling it:",
    commandOn(data, "dlq safety-net --restore"),
    ...(detached ? ["(FAILED_PRECONDITION says that Pub/Sub has dropped what it held: then go on.)"] : []),
    `Only when this names no message without a row: ${commandOn(data, "dlq safety-net")}`,
    deleteSubscriptionCommand(place, kept.id),
    local ? restart : createKeptCommand(project, declared.id, kept.id, kept.retentionSeconds),
  ].join("\n");
}

/** @param isOf what it is of instead, for people */
export function misplacedKept(
  kept: KeptSubscription,
  declared: DeclaredTopic,
  place: Place,
  { isOf, ...state }: KeptState & { readonly isOf: string },
): Finding {
  const finding = `Subscription ${kept.id} is of ${isOf}: it gets nothing that is published. It may be all that still has some dead letters.`;
  return { subject: kept.id, status: "problem", finding, fix: keptAgainSteps(kept, declared, place, state) };
}

/** Pub/Sub's, unless another is given. */
const defaultRetentionSeconds = 7 * 86_400;

/** What one that is of its topic has otherwise than it is declared. */
export function driftOfKept(
  kept: KeptSubscription,
  found: FoundSubscription,
  declared: DeclaredTopic,
  place: Place,
): Finding[] {
  const subject = kept.id;
  const findings: Finding[] = [];
  const seconds = secondsOf(found.messageRetentionDuration) ?? defaultRetentionSeconds;
  if (seconds !== kept.retentionSeconds) {
    const finding = `Subscription ${kept.id} keeps dead letters for ${daysText(seconds)} instead of ${daysText(kept.retentionSeconds)}.`;
    // Nothing that is started here changes one that is there, and the broker of one machine has no command for it.
    const fix = place.local
      ? keptAgainSteps(kept, declared, place, { hasTopic: true, detached: false })
      : keepLongerCommand(place.project, kept);
    findings.push({ subject, status: "warning", finding, fix });
  }
  const endpoint = found.pushConfig?.pushEndpoint ?? "";
  if (endpoint !== "") {
    const finding = `Subscription ${kept.id} pushes to ${endpoint}: what is taken there is kept no longer, and nobody can pull it.`;
    findings.push({ subject, status: "problem", finding, fix: stopPushingCommand(place, kept.id) });
  }
  return findings;
}
