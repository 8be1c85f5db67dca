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

/**
 * Services whose data access is logged, without an exemption. BigQuery's is by itself; declaring it takes exemptions away that somebody has made.
 * Cloud KMS tells who signs, one record a minute for the sealer. Not Cloud Storage: it would log each object of the project, and a checkpoint
 * can be neither changed nor deleted.
 */
export const auditedServices: readonly string[] = ["bigquery.googleapis.com", "cloudkms.googleapis.com"];

export interface AccessAudit {
  readonly sink: ProjectSink;
  readonly grant: TopicIAMMember;
  readonly configs: readonly IAMAuditConfig[];
}

/**
 * The sink, and its right on the topic, which nobody else may have. All sinks of a project write by the same account of Cloud Logging, so who may make
 * one may write records of reads: a new sink is an alert. The audit config is the project's, and one for each service: it belongs to
 * the stack without an environment. A project that has only stacks with one keeps its own.
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
  const owned = settings.environment === undefined ? auditedServices : [];
  const configs = owned.map(
    (service) =>
      new IAMAuditConfig(`audit-${service}`, {
        project: projectId,
        service,
        auditLogConfigs: [{ logType: "DATA_READ" }],
      }),
  );
  return { sink, grant, configs };
}
