/** BigQuery's own audit log of reads, on its way to the function: docs/access-audit.md. */
import { ProjectSink } from "@pulumi/gcp/logging/index.js";
import { IAMAuditConfig } from "@pulumi/gcp/projects/index.js";
import { TopicIAMMember } from "@pulumi/gcp/pubsub/index.js";
import { accessAuditTopic } from "@indelible/schemas/names.ts";
import type { Stack } from "./stack.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { Topics } from "./topics.ts";

/** Records that tell of a read, and of read sessions. Of the whole project: a copy of a table may be in another dataset. */
export function accessAuditFilter(projectId: string): string {
  return [
    `logName="projects/${projectId}/logs/cloudaudit.googleapis.com%2Fdata_access" AND protoPayload.serviceName:"bigquery" AND (`,
    'protoPayload.metadata.tableDataRead:* OR protoPayload.metadata.jobChange.after="DONE" OR protoPayload.methodName:"CreateReadSession")',
  ].join(" ");
}

const everyType = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"] as const;

/**
 * What is logged of which service, without an exemption. BigQuery's data access is by itself; declaring it takes exemptions away that somebody has
 * made. Cloud KMS tells who signs, one record a minute for the sealer. Of both every type, because what is declared replaces what was set. Of Pub/Sub
 * who seeks a subscription, which is no admin activity; it has no log of messages. Not Cloud Storage: it would log each object of the project, and a
 * checkpoint can be neither changed nor deleted.
 */
export const auditedServices: readonly {
  readonly service: string;
  readonly logTypes: readonly (typeof everyType)[number][];
}[] = [
  { service: "bigquery.googleapis.com", logTypes: everyType },
  { service: "cloudkms.googleapis.com", logTypes: everyType },
  { service: "pubsub.googleapis.com", logTypes: ["ADMIN_READ"] },
];

export interface AccessAudit {
  readonly sink: ProjectSink;
  readonly grant: TopicIAMMember;
  readonly configs: readonly IAMAuditConfig[];
}

/**
 * The sink, and its right on the topic, which nobody else may have. All sinks of a project write by the same account of Cloud Logging, so who may make
 * one may write records of reads: a new sink is an alert. The audit config is the project's, and one for each service: it belongs to
 * the stack whose settings say so, and stays when that stack is gone.
 */
export function createAccessAudit(
  { settings, names }: Stack,
  topics: Topics,
  subscriptions: Subscriptions,
): AccessAudit {
  const { projectId } = settings;
  const id = accessAuditTopic(names.topicPrefix);
  const topic = topics.get(id);
  if (topic === undefined) throw new Error(`there is no topic ${id}`);
  const sink = new ProjectSink("access", {
    name: names.resource("access"),
    description: "Reads of BigQuery, which become rows of log_access_audit.",
    destination: topic.id.apply((name) => `pubsub.googleapis.com/${name}`),
    filter: accessAuditFilter(projectId),
    uniqueWriterIdentity: true,
  });
  const grant = new TopicIAMMember(
    "access-sink",
    { topic: topic.id, role: "roles/pubsub.publisher", member: sink.writerIdentity },
    // What is published before a topic has subscriptions is delivered to none.
    { dependsOn: [...subscriptions.values()] },
  );
  const configs = (settings.auditConfig ? auditedServices : []).map(
    ({ service, logTypes }) =>
      new IAMAuditConfig(
        `audit-${service}`,
        { project: projectId, service, auditLogConfigs: logTypes.map((logType) => ({ logType })) },
        { retainOnDelete: true },
      ),
  );
  return { sink, grant, configs };
}
