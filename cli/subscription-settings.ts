import type { DeclaredDelivery } from "@indelible/schemas/topics.ts";

/** Settings of a subscription in Pub/Sub's words. */
export interface SubscriptionSettings {
  readonly ackDeadlineSeconds: number;
  readonly retryPolicy: {
    readonly minimumBackoff: { readonly seconds: number };
    readonly maximumBackoff: { readonly seconds: number };
  };
  /** Null: none. */
  readonly deadLetterPolicy: { readonly deadLetterTopic: string; readonly maxDeliveryAttempts: number } | null;
}

/** A length of time as Pub/Sub gives it: its numbers may be texts. */
type Duration = { readonly seconds?: unknown } | null | undefined;

/** Of what Pub/Sub says of a subscription, what is compared. */
export interface FoundSettings {
  readonly ackDeadlineSeconds?: number | null;
  readonly retryPolicy?: { readonly minimumBackoff?: Duration; readonly maximumBackoff?: Duration } | null;
  readonly deadLetterPolicy?: {
    readonly deadLetterTopic?: string | null;
    readonly maxDeliveryAttempts?: number | null;
  } | null;
}

/** What a subscription that the function or the worker reads is to be set to. */
export function settingsOf(declared: DeclaredDelivery, projectId: string): SubscriptionSettings {
  const { ackDeadlineSeconds, backoffSeconds, lastResort } = declared;
  return {
    ackDeadlineSeconds,
    retryPolicy: { minimumBackoff: { seconds: backoffSeconds.min }, maximumBackoff: { seconds: backoffSeconds.max } },
    deadLetterPolicy:
      lastResort === undefined
        ? null
        : {
            deadLetterTopic: topicName(projectId, lastResort.topic),
            maxDeliveryAttempts: lastResort.maxDeliveryAttempts,
          },
  };
}

/** The full name of a topic. */
export function topicName(projectId: string, id: string): string {
  return `projects/${projectId}/topics/${id}`;
}

/** A setting that is not as it is declared; the texts are for people. */
export interface Difference {
  readonly setting: keyof SubscriptionSettings;
  readonly declared: string;
  readonly found: string;
}

/** What `found` has otherwise than it is declared. */
export function differencesOf(
  declared: DeclaredDelivery,
  found: FoundSettings,
  projectId: string,
): readonly Difference[] {
  const isToBe = textsOf(settingsOf(declared, projectId));
  const is = textsOf(found);
  return settingNames
    .map((setting) => ({ setting, declared: isToBe[setting], found: is[setting] }))
    .filter((difference) => difference.declared !== difference.found);
}

const settingNames = ["ackDeadlineSeconds", "retryPolicy", "deadLetterPolicy"] as const;

/** With Pub/Sub's defaults. */
function textsOf({ ackDeadlineSeconds, retryPolicy, deadLetterPolicy }: FoundSettings): {
  readonly [S in Difference["setting"]]: string;
} {
  const { deadLetterTopic, maxDeliveryAttempts } = deadLetterPolicy ?? {};
  const { minimumBackoff, maximumBackoff } = retryPolicy ?? {};
  return {
    ackDeadlineSeconds: `${ackDeadlineSeconds ?? 10} s`,
    retryPolicy: retryPolicy ? `${secondsOf(minimumBackoff) ?? 10} to ${secondsOf(maximumBackoff) ?? 600} s` : "none",
    deadLetterPolicy: deadLetterPolicy ? `${deadLetterTopic} after ${maxDeliveryAttempts ?? 5} attempts` : "none",
  };
}

/** Undefined when there is none. */
export function secondsOf(duration: Duration): number | undefined {
  return duration ? Number(duration.seconds ?? 0) : undefined;
}
