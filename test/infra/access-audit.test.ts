import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { graphOf } from "../../infra/graph.ts";
import { nodeOf, nodesOf, textOf } from "./nodes.ts";
import { production, staging } from "./stacks.ts";

const graph = await graphOf(production);
const second = await graphOf(staging);
const docs = readFileSync(new URL("../../docs/access-audit.md", import.meta.url), "utf8");
const inOneLine = (text: string): string => text.replaceAll(/\s+/g, " ").replaceAll("( ", "(").trim();

describe("the sink of BigQuery's audit log", () => {
  it("has the filter of docs/access-audit.md", () => {
    const documented = /--log-filter='([^']+)'/.exec(docs)?.[1];
    assert.ok(documented !== undefined);
    const filter = textOf(nodeOf(graph, "ProjectSink", "access"), "filter");
    assert.equal(inOneLine(filter), inOneLine(documented.replace("PROJECT", "acme-agents")));
  });

  it("goes to the topic of its environment, where an identity of its own may publish", () => {
    for (const [of, topic, name] of [
      [graph, "agent-logs.bigquery-audit", "indelible-access"],
      [second, "agent-logs-staging.bigquery-audit", "indelible-access-staging"],
    ] as const) {
      const sink = nodeOf(of, "ProjectSink", "access");
      assert.equal(sink.inputs["name"], name);
      assert.equal(sink.inputs["uniqueWriterIdentity"], true);
      assert.equal(sink.inputs["destination"], `pubsub.googleapis.com/projects/acme-agents/topics/${topic}`);
      const grant = nodeOf(of, "TopicIAMMember", "access-sink");
      assert.equal(grant.inputs["topic"], `projects/acme-agents/topics/${topic}`);
      assert.equal(grant.inputs["role"], "roles/pubsub.publisher");
      assert.match(textOf(grant, "member"), /^serviceAccount:service-\d+@gcp-sa-logging\.iam\.gserviceaccount\.com$/);
    }
  });
});

describe("the audit config", () => {
  const configsOf = (of: typeof graph): readonly object[] =>
    nodesOf(of, "IAMAuditConfig").map(({ inputs: { service, auditLogConfigs } }) => ({ service, auditLogConfigs }));

  it("logs what is read of BigQuery and Cloud KMS, who signs and who seeks, without exempting anybody, and takes no type away that was on", () => {
    const every = [{ logType: "ADMIN_READ" }, { logType: "DATA_READ" }, { logType: "DATA_WRITE" }];
    assert.deepEqual(configsOf(graph), [
      { service: "bigquery.googleapis.com", auditLogConfigs: every },
      { service: "cloudkms.googleapis.com", auditLogConfigs: every },
      { service: "pubsub.googleapis.com", auditLogConfigs: [{ logType: "ADMIN_READ" }] },
    ]);
  });

  it("stays when the stack is gone: somebody else's audit may need it", () => {
    for (const { name, retained } of nodesOf(graph, "IAMAuditConfig")) assert.ok(retained, name);
  });

  it("is that of the stack without an environment, or of the one that the settings say", async () => {
    assert.deepEqual(configsOf(second), []);
    assert.deepEqual(configsOf(await graphOf({ ...staging, "indelible:auditConfig": "true" })), configsOf(graph));
    assert.deepEqual(configsOf(await graphOf({ ...production, "indelible:auditConfig": "false" })), []);
  });

  it("is as docs/access-audit.md has it", () => {
    const [, json = ""] = /```json\n(\{ "auditConfigs"[^`]+)```/.exec(docs) ?? [];
    const { auditConfigs } = JSON.parse(json) as { auditConfigs: readonly object[] };
    assert.deepEqual(auditConfigs, configsOf(graph));
  });
});
