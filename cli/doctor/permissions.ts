import { deadLetterTopic, ingestedTables, topicOf } from "@indelible/schemas/names.ts";
import { declaredTopics } from "@indelible/schemas/topics.ts";
import { counted } from "../terminal/table.ts";
import { orWell, unknownBecause, type Finding } from "./check.ts";
import type { Installation } from "./installation.ts";
import { commandLine, shellWord } from "../terminal/shell-word.ts";
import { looked, type Looked } from "./topics.ts";

const publish = "pubsub.topics.publish";

/** What is asked of Pub/Sub about permissions; `PubSub` has it. */
export interface TopicPermissions {
  topic(id: string): {
    readonly iam: {
      testPermissions(
        permissions: string[],
      ): Promise<readonly [{ readonly [permission: string]: boolean } | null | undefined, ...unknown[]]>;
      getPolicy(): Promise<PolicyAnswer>;
    };
  };
  subscription(id: string): { readonly iam: { getPolicy(): Promise<PolicyAnswer> } };
}

type PolicyAnswer = readonly [Policy | null | undefined, ...unknown[]];

interface Policy {
  readonly bindings?: readonly { readonly role?: string | null; readonly members?: readonly string[] | null }[] | null;
}

type Asked = Pick<Installation, "project" | "local" | "topicPrefix"> & { readonly pubsub: TopicPermissions };

/** Whether whoever asks may publish to each topic, as `emit`, `import` and `dlq` do. */
export async function mayPublish({ pubsub, project, local, topicPrefix }: Asked): Promise<readonly Finding[]> {
  if (local) return [{ status: "skipped", finding: "The broker of one machine asks nobody for permissions." }];
  const topics = ingestedTables.map((table) => topicOf(table, topicPrefix));
  const findings = await Promise.all(
    topics.map(async (topic): Promise<Finding[]> => {
      try {
        const [held] = await pubsub.topic(topic).iam.testPermissions([publish]);
        if (held?.[publish] === true) return [];
      } catch (error) {
        return [unknownBecause(`permissions on ${topic}`, error, topic)];
      }
      const finding = `You may not publish to ${topic}: \`indelible emit\`, \`import\` and \`dlq replay\` would be refused there.`;
      const fix = commandLine(
        "gcloud",
        "pubsub",
        "topics",
        "add-iam-policy-binding",
        topic,
        `--project=${project}`,
        "--member=user:ACCOUNT",
        "--role=roles/pubsub.publisher",
      );
      return [{ subject: topic, status: "warning", finding, fix }];
    }),
  );
  return orWell(findings.flat(), `You may publish to ${counted(topics.length, "topic")}.`);
}

const serviceAgent = /^serviceAccount:service-\d+@gcp-sa-pubsub\.iam\.gserviceaccount\.com$/;

/** Whether Pub/Sub itself may forward to the dead-letter topic, and take what it forwards from each subscription; otherwise the last resort does nothing. */
export async function mayForward(asked: Asked): Promise<readonly Finding[]> {
  const { pubsub, local, topicPrefix } = asked;
  if (local) return [{ status: "skipped", finding: "The broker of one machine forwards without a service agent." }];
  const topic = deadLetterTopic(topicPrefix);
  const sources = declaredTopics(topicPrefix)
    .filter(({ delivery }) => delivery.lastResort !== undefined)
    .flatMap(({ delivery }) => [delivery.pushSubscription, delivery.pullSubscription]);
  const [target, ...policies] = await Promise.all([
    policyOf(() => pubsub.topic(topic).iam.getPolicy()),
    ...sources.map((id) => policyOf(() => pubsub.subscription(id).iam.getPolicy())),
  ]);
  const findings: Finding[] = [];
  if ("failure" in target) findings.push(unknownBecause(`permissions on ${topic}`, target.failure, topic));
  else if (!lets(target.found, "roles/pubsub.publisher")) {
    const finding = `Nothing on ${topic} lets Pub/Sub's service agent publish to it. Unless the project does, what cannot be delivered is not forwarded there.`;
    findings.push({ subject: topic, status: "warning", finding, fix: grantToAgent(asked, "topics", [topic]) });
  }
  const refusing: string[] = [];
  for (const [at, policy] of policies.entries()) {
    const id = sources[at] ?? "";
    if ("failure" in policy) findings.push(unknownBecause(`permissions on ${id}`, policy.failure, id));
    // One that is not there is a matter of subscriptions.
    else if (policy.found !== undefined && !lets(policy.found, "roles/pubsub.subscriber")) refusing.push(id);
  }
  if (refusing.length > 0) {
    const finding = `Nothing on ${counted(refusing.length, "subscription")} lets Pub/Sub's service agent take from it what is to be forwarded: ${refusing.join(", ")}. Unless the project does, it stays there and is delivered again.`;
    const fix = grantToAgent(asked, "subscriptions", refusing);
    findings.push({ subject: "subscriptions", status: "warning", finding, fix });
  }
  return orWell(findings, `Pub/Sub's service agent may publish to ${topic}, and take from each subscription.`);
}

function policyOf(ask: () => Promise<PolicyAnswer>): Promise<Looked<Policy>> {
  return looked(async () => (await ask())[0] ?? {});
}

function lets(policy: Policy | undefined, wanted: string): boolean {
  const bindings = (policy?.bindings ?? []).filter(({ role }) => role === wanted);
  return bindings.some(({ members }) => members?.some((member) => serviceAgent.test(member)));
}

/** One line for each. */
function grantToAgent({ project }: Asked, kind: "topics" | "subscriptions", ids: readonly string[]): string {
  const number = `$(gcloud projects describe ${shellWord(project)} --format='value(projectNumber)')`;
  const member = `serviceAccount:service-${number}@gcp-sa-pubsub.iam.gserviceaccount.com`;
  const role = `roles/pubsub.${kind === "topics" ? "publisher" : "subscriber"}`;
  return ids
    .map((id) => commandLine("gcloud", "pubsub", kind, "add-iam-policy-binding", id, `--project=${project}`))
    .map((command) => `${command} --member="${member}" --role=${role}`)
    .join("\n");
}

/** Nobody but the function's own account could be asked without writing a row; so this only says that it is not known. */
export function mayAppend({
  project,
  local,
  datasets: { raw },
}: Pick<Installation, "project" | "local" | "datasets">): readonly Finding[] {
  const finding = `Whether the function may append rows to ${raw} is not looked at: that is between its account and the warehouse.`;
  if (local) return [{ status: "skipped", finding }];
  const fix = `See who may, and that the function's account is among them: ${commandLine("bq", "show", "--format=prettyjson", `${project}:${raw}`)}`;
  return [{ status: "skipped", finding, fix }];
}
