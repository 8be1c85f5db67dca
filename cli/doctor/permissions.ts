import { deadLetterTopic, ingestedTables, topicOf } from "@indelible/schemas/names.ts";
import { counted } from "../terminal/table.ts";
import { orWell, unknownBecause, type Finding } from "./check.ts";
import type { Installation } from "./installation.ts";
import { commandLine, shellWord } from "./shell-word.ts";

const publish = "pubsub.topics.publish";

/** What is asked of Pub/Sub about permissions on a topic; `PubSub` has it. */
export interface TopicPermissions {
  topic(id: string): {
    readonly iam: {
      testPermissions(
        permissions: string[],
      ): Promise<readonly [{ readonly [permission: string]: boolean } | null | undefined, ...unknown[]]>;
      getPolicy(): Promise<readonly [Policy | null | undefined, ...unknown[]]>;
    };
  };
}

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

/** Whether Pub/Sub itself may forward to the dead-letter topic; otherwise the last resort of every subscription does nothing. */
export async function mayForward({ pubsub, project, local, topicPrefix }: Asked): Promise<readonly Finding[]> {
  if (local) return [{ status: "skipped", finding: "The broker of one machine forwards without a service agent." }];
  const topic = deadLetterTopic(topicPrefix);
  const [policy] = await pubsub.topic(topic).iam.getPolicy();
  const publishers = (policy?.bindings ?? []).filter(({ role }) => role === "roles/pubsub.publisher");
  if (publishers.some(({ members }) => members?.some((member) => serviceAgent.test(member)))) {
    return [{ status: "ok", finding: `Pub/Sub's service agent may publish to ${topic}.` }];
  }
  const number = `$(gcloud projects describe ${shellWord(project)} --format='value(projectNumber)')`;
  const member = `serviceAccount:service-${number}@gcp-sa-pubsub.iam.gserviceaccount.com`;
  const finding = `Nothing on ${topic} lets Pub/Sub's service agent publish to it. Unless the project does, what cannot be delivered is not forwarded there.`;
  const fix = `gcloud pubsub topics add-iam-policy-binding ${shellWord(topic)} ${shellWord(`--project=${project}`)} --member="${member}" --role=roles/pubsub.publisher`;
  return [{ status: "warning", finding, fix }];
}
