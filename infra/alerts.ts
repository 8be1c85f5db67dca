import { AlertPolicy, type NotificationChannel } from "@pulumi/gcp/monitoring/index.js";
import type { CustomResourceOptions } from "@pulumi/pulumi";
import { accessAuditTopic, deadLetterTopic, pullSubscriptionOf, pushSubscriptionOf } from "@indelible/schemas/names.ts";
import { above, logged, promql, silent, type Condition } from "./alert-conditions.ts";
import {
  changesOfEvidence,
  changesOfPipeline,
  changesOfRights,
  changesOfTables,
  changesOfWatch,
} from "./audited-changes.ts";
import { failuresIn5Minutes, linesOf, logMetricsOf } from "./log-metrics.ts";
import type { Stack } from "./stack.ts";

/** What has to be true before somebody is told, what it means, and what to do first. */
export interface AlertDeclaration {
  /** Part of the policy's name. */
  readonly id: string;
  /** Its heading in docs/operate.md. */
  readonly title: string;
  /** CRITICAL: a promise may be broken. ERROR: one will be. WARNING: look today. */
  readonly severity: "CRITICAL" | "ERROR" | "WARNING";
  /** The condition, in words. */
  readonly when: string;
  readonly means: string;
  /** The first command to run. */
  readonly command: (stack: Named) => string;
  /** None where it could never hold: then there is no policy. */
  readonly condition: (stack: Named) => Condition | undefined;
}

export type Named = Pick<Stack, "settings" | "names">;

const who = { principal: "protoPayload.authenticationInfo.principalEmail", method: "protoPayload.methodName" };

const activity = ({ settings }: Named): string =>
  `gcloud logging read 'log_id("cloudaudit.googleapis.com/activity")' --project=${settings.projectId} --freshness=1h`;
const errorsIn = (lines: string, { projectId }: Named["settings"]): string =>
  `gcloud logging read '${lines} severity>=ERROR' --project=${projectId} --freshness=1h`;
/** Of what takes the deliveries: the function, or the worker in its place. */
const errorsOfSubscriber = ({ settings, names }: Named): string =>
  errorsIn(linesOf(names, settings.worker === undefined ? "function" : "worker"), settings);

export const alertDeclarations: readonly AlertDeclaration[] = [
  {
    id: "dead-letters",
    title: "Dead letters",
    severity: "WARNING",
    when: "a message was published to the dead-letter topic within 5 minutes",
    means:
      "Events came that could not be accepted, or messages that could not be delivered in 100 attempts, some 15 hours (`ERR_DELIVERY_ATTEMPTS`). They are kept, with the reason; nothing is lost, and their agent's log has a gap until they are replayed.",
    command: () => "indelible dlq list",
    condition: ({ names }) =>
      above({
        filter: `resource.type="pubsub_topic" metric.type="pubsub.googleapis.com/topic/send_message_operation_count" resource.labels.topic_id="${deadLetterTopic(names.topicPrefix)}"`,
        above: 0,
        aligner: "ALIGN_DELTA",
        periodSeconds: 300,
        forSeconds: 0,
        by: ["resource.labels.topic_id"],
        reducer: "REDUCE_SUM",
      }),
  },
  {
    id: "dead-letter-age",
    title: "Dead letters that wait",
    severity: "CRITICAL",
    when: "the oldest dead letter that is no row yet is older than 15 minutes, for 5 minutes",
    means:
      "The function does not get dead letters into `dead_letters`. They are in the safety net for 31 days, and in no list until they are rows.",
    command: () => "indelible dlq safety-net",
    condition: ({ names, settings }) => {
      const topic = deadLetterTopic(names.topicPrefix);
      return oldest(`"${settings.worker === undefined ? pushSubscriptionOf(topic) : pullSubscriptionOf(topic)}"`, 900);
    },
  },
  {
    id: "backlog-age",
    title: "Backlog",
    severity: "ERROR",
    when: "the oldest message of a topic that is not acknowledged is older than 5 minutes, for 5 minutes",
    means:
      "Events wait in Pub/Sub: BigQuery does not take them, the function does not run, or there are more than its instances can take. Nothing is lost for as long as a subscription keeps messages.",
    command: errorsOfSubscriber,
    condition: ({ names }) =>
      oldest(`monitoring.regex.full_match("${names.topicPrefix}[.][a-z_-]+[.](function|worker)")`, 300),
  },
  {
    id: "append-errors",
    title: "Append errors",
    severity: "ERROR",
    when: "more than 10 failed deliveries of one table with one code are logged in 5 minutes, for 5 minutes",
    means:
      "The function or the worker cannot append, or cannot publish dead letters. The label `code` says which (docs/errors.md). Pub/Sub delivers again.",
    command: errorsOfSubscriber,
    condition: (stack) => promql(`${failuresIn5Minutes(stack)} > 10`, 300),
  },
  {
    id: "instances",
    title: "Instances",
    severity: "WARNING",
    when: "more than nine tenths of the function's instances are there, for 10 minutes",
    means: "What comes is near to what the function may scale to. Beyond it Pub/Sub gets 429 and events wait.",
    command: () => "pulumi config get indelible:maxInstances",
    condition: ({ names, settings: { maxInstances } }) => {
      // One is never too many.
      if (maxInstances === 1) return undefined;
      return above({
        filter: `resource.type="cloud_run_revision" metric.type="run.googleapis.com/container/instance_count" resource.labels.service_name="${names.resource("function")}" metric.labels.state="active"`,
        above: Math.floor(maxInstances * 0.9),
        aligner: "ALIGN_MAX",
        periodSeconds: 60,
        forSeconds: 600,
        by: ["resource.labels.service_name"],
        reducer: "REDUCE_SUM",
      });
    },
  },
  {
    id: "seal-age",
    title: "Seal age",
    severity: "CRITICAL",
    when: "the sealer has made no commit for 20 minutes, for 10 minutes (it makes one every 10 minutes even when nothing comes)",
    means:
      "What is written is not sealed, and so can be changed without a trace until it is. Events go on being written.",
    command: ({ settings, names }) => errorsIn(linesOf(names, "sealer"), settings),
    condition: (stack) =>
      silent(
        `logging_googleapis_com:user_${logMetricsOf(stack).sealed.name}{monitored_resource="cloud_run_revision",project_id="${stack.settings.projectId}"}`,
        20,
        600,
      ),
  },
  {
    id: "seal-refused",
    title: "Seal refused",
    severity: "CRITICAL",
    when: "the sealer logs `ERR_CHECKPOINT`, `ERR_UNSTABLE`, `ERR_KEY` or `ERR_CLOCK`, or that the witness refuses the log",
    means:
      "The log, its checkpoints or the witness are not what they were, or the key is not the one of the list. Delete nothing.",
    command: () => "indelible verify",
    condition: ({ names }) =>
      logged(
        `${linesOf(names, "sealer")} severity=ERROR (jsonPayload.code=("ERR_CHECKPOINT" OR "ERR_UNSTABLE" OR "ERR_KEY" OR "ERR_CLOCK") OR jsonPayload.event="witness-refuses")`,
        { code: "jsonPayload.code" },
      ),
  },
  {
    id: "audit-silent",
    title: "Access audit",
    severity: "CRITICAL",
    when: "no record of BigQuery's audit log has come for 30 minutes, for 10 minutes",
    means:
      "The sealer reads every minute, so the records must come: the sink is gone, its filter or its right on the topic was changed, or the sealer stands still too. Reads are not recorded meanwhile.",
    command: ({ settings, names }) =>
      `gcloud logging sinks describe ${names.resource("access")} --project=${settings.projectId}`,
    condition: ({ names, settings }) =>
      silent(
        // What the topic refuses is counted too. Not `response_class="success"`: without that label it would hold for ever.
        `pubsub_googleapis_com:topic_send_message_operation_count{monitored_resource="pubsub_topic",project_id="${settings.projectId}",topic_id="${accessAuditTopic(names.topicPrefix)}",response_class!~"invalid|internal"}`,
        30,
        600,
      ),
  },
  {
    id: "tables-changed",
    title: "Tables changed",
    severity: "CRITICAL",
    when: "rows were changed, or appended by another account than ours, or somebody changed or deleted a table, a view, a dataset or who sees which rows",
    means:
      "Nothing of ours changes a row, only the function, the worker and the sealer append, and only a deployment changes tables. Whoever did it is exempt from the deny policy, or there is none; that is also what a use of break-glass looks like.",
    command: () => "indelible verify",
    condition: ({ names, settings }) => logged(changesOfTables({ names, projectId: settings.projectId }), who),
  },
  {
    id: "rights-changed",
    title: "Rights changed",
    severity: "ERROR",
    when: "a policy of IAM, a custom role, a deny policy or a tag was changed, or an account got a key",
    means:
      "Somebody may do now what he could not before, or the other way round: without its tag the dataset is not under the deny policy. A deployment does this too; anything else should be known.",
    command: activity,
    condition: ({ names, settings }) => logged(changesOfRights({ names, projectId: settings.projectId }), who),
  },
  {
    id: "evidence-changed",
    title: "Evidence changed",
    severity: "CRITICAL",
    when: "a version of the signing key was made, disabled, destroyed or restored, somebody else than the sealer signed, or the bucket of checkpoints was changed",
    means:
      "Without the key nothing is sealed; a destroyed version can be restored for 120 days. Who signs with a key of his own can make another log, which a verifier with the old list refuses. That somebody else than the sealer signed is told only while the project's audit config logs Cloud KMS (`indelible:auditConfig` of one stack).",
    command: ({ settings: { projectId, region }, names }) =>
      `gcloud kms keys versions list --key=checkpoints --keyring=${names.resource("ledger")} --location=${region} --project=${projectId}`,
    condition: ({ names, settings }) => logged(changesOfEvidence({ names, projectId: settings.projectId }), who),
  },
  {
    id: "pipeline-changed",
    title: "Pipeline changed",
    severity: "ERROR",
    when: "a topic or subscription was changed or deleted, a subscription was detached or sought to another time, the function, the sealer or the worker was deployed or deleted, or the sealer's schedule was changed or paused",
    means:
      "Other code runs, or messages go elsewhere. A subscription that was deleted, detached or sought to a time to come has lost what it had not acknowledged: it is in its topic for 31 days. A deployment does this too, but neither detaches nor seeks; a seek is told only while the project's audit config logs Pub/Sub (`indelible:auditConfig` of one stack).",
    command: activity,
    condition: ({ names, settings }) => logged(changesOfPipeline({ names, projectId: settings.projectId }), who),
  },
  {
    id: "watch-changed",
    title: "Watch changed",
    severity: "CRITICAL",
    when: "a sink was made, an alert was put to sleep, a service was turned off, or a sink, an exclusion, a metric of logs, an alert, who gets alerts, or the audit config was changed or deleted",
    means: "Somebody may be making himself unseen. A deployment does this too.",
    command: activity,
    condition: ({ names, settings }) => logged(changesOfWatch({ names, projectId: settings.projectId }), who),
  },
];

/** Nobody has acknowledged a message for a while. */
function oldest(subscriptions: string, seconds: number): Condition {
  return above({
    filter: `resource.type="pubsub_subscription" metric.type="pubsub.googleapis.com/subscription/oldest_unacked_message_age" resource.labels.subscription_id=${subscriptions}`,
    above: seconds,
    aligner: "ALIGN_MAX",
    periodSeconds: 60,
    forSeconds: 300,
    by: ["resource.labels.subscription_id"],
    reducer: "REDUCE_MAX",
  });
}

/** What a notification says below its title. */
export function documentationOf({ title, when, means, command }: AlertDeclaration, stack: Named): string {
  return `When ${when}.\n\n${means}\n\nFirst:\n\n    ${command(stack)}\n\nThen: docs/operate.md, "${title}".\n`;
}

/** A policy for each alert that can hold, which tells every channel. Names of policies are not unique in the cloud; ours have the environment. */
export function createAlerts(
  stack: Stack,
  channels: readonly NotificationChannel[],
  options: CustomResourceOptions,
): readonly AlertPolicy[] {
  return alertDeclarations.flatMap((alert) => {
    const condition = alert.condition(stack);
    if (condition === undefined) return [];
    // Required for lines of a log, refused for everything else.
    const ofLog = condition.conditionMatchedLog !== undefined;
    const displayName = stack.names.resource(alert.id);
    const policy = new AlertPolicy(
      alert.id,
      {
        displayName,
        combiner: "OR",
        conditions: [{ displayName: alert.when, ...condition }],
        severity: alert.severity,
        notificationChannels: channels.map(({ id }) => id),
        documentation: { subject: displayName, content: documentationOf(alert, stack), mimeType: "text/markdown" },
        alertStrategy: { autoClose: "1800s", ...(ofLog && { notificationRateLimit: { period: "300s" } }) },
        userLabels: stack.names.labels,
      },
      options,
    );
    return [policy];
  });
}
