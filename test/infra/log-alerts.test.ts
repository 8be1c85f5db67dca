import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { accessAuditFilter } from "../../infra/access-audit.ts";
import { alertDeclarations } from "../../infra/alerts.ts";
import { logMetricsOf } from "../../infra/log-metrics.ts";
import { namesOf } from "../../infra/names.ts";
import { settingsOf } from "../../infra/settings.ts";
import { activity, cases, dataAccess, doneTo, table } from "./audit-entries.ts";
import { matches, type LogEntry } from "./log-query.ts";
import { production, staging } from "./stacks.ts";

const settings = settingsOf(production);
const stack = { settings, names: namesOf(settings) };
const queriesOf = (of: typeof stack): { readonly id: string; readonly query: string }[] =>
  alertDeclarations.flatMap(({ id, condition }) => {
    const filter = condition(of)?.conditionMatchedLog;
    return typeof filter === "object" && "filter" in filter && typeof filter.filter === "string"
      ? [{ id, query: filter.filter }]
      : [];
  });
const queries = queriesOf(stack);

/** IDs of the alerts that an entry raises. */
const raisedBy = (entry: LogEntry, of = queries): string[] =>
  of.filter(({ query }) => matches(query, entry)).map(({ id }) => id);

const line = (service: string, severity: string, jsonPayload: LogEntry): LogEntry => ({
  logName: "projects/acme-agents/logs/run.googleapis.com%2Fstderr",
  resource: { type: "cloud_run_revision", labels: { service_name: service } },
  severity,
  jsonPayload,
});

describe("an alert is raised by", () => {
  for (const [what, entry, raised] of cases) {
    it(`${what}: ${raised.length === 0 ? "none" : raised.join(" and ")}`, () => {
      assert.deepEqual(raisedBy(entry), raised);
    });
  }

  it("what the sealer refuses, and not by what it tries again", () => {
    const refused = ["seal-refused"];
    assert.deepEqual(raisedBy(line("indelible-sealer", "ERROR", { code: "ERR_CHECKPOINT" })), refused);
    assert.deepEqual(
      raisedBy(line("indelible-sealer", "ERROR", { event: "witness-refuses", code: "internal" })),
      refused,
    );
    assert.deepEqual(raisedBy(line("indelible-sealer", "ERROR", { event: "witness-behind", code: "ERR_STORE" })), []);
    assert.deepEqual(raisedBy(line("indelible-sealer", "ERROR", { code: "ERR_READ" })), []);
    assert.deepEqual(raisedBy(line("indelible-sealer-staging", "ERROR", { code: "ERR_CHECKPOINT" })), []);
  });
});

describe("an alert of one environment", () => {
  const others = settingsOf(staging);
  const second = { settings: others, names: namesOf(others) };

  it("is raised by what is done to that environment, and is silent about the other", () => {
    for (const [mine, other] of [
      [stack, second],
      [second, stack],
    ] as const) {
      for (const entry of doneTo(mine.names))
        assert.equal(raisedBy(entry, queriesOf(mine)).length, 1, JSON.stringify(entry));
      for (const entry of doneTo(other.names))
        assert.deepEqual(raisedBy(entry, queriesOf(mine)), [], JSON.stringify(entry));
    }
  });

  it("is raised by what is done to the project, whichever it meant", () => {
    const sink = `projects/acme-agents/sinks/${second.names.resource("access")}`;
    for (const asked of [queriesOf(stack), queriesOf(second)]) {
      assert.deepEqual(raisedBy(activity("google.logging.v2.ConfigServiceV2.CreateSink", sink), asked), [
        "watch-changed",
      ]);
      for (const entry of [
        activity("SetIamPolicy", "projects/acme-agents", {}, { type: "project" }),
        // What a policy on the project denies, it denies to everybody.
        activity("google.iam.v2.Policies.CreatePolicy", `policies/x/denypolicies/${second.names.resource("log")}`),
        // What this role lets do, it lets do in the whole project.
        activity("google.iam.admin.v1.UpdateRole", `x/roles/${second.names.customRole("auditor", "project")}`),
        activity("google.iam.admin.v1.UpdateRole", `x/roles/${stack.names.customRole("auditor", "project")}`),
      ])
        assert.deepEqual(raisedBy(entry, asked), ["rights-changed"], JSON.stringify(entry));
    }
  });

  it("is raised by what is done to an account that is no environment's", () => {
    const entry = activity(
      "google.iam.admin.v1.SetIAMPolicy",
      "projects/-/serviceAccounts/118",
      {},
      { type: "service_account", labels: { email_id: "cfo@acme-agents.iam.gserviceaccount.com" } },
    );
    assert.deepEqual(raisedBy(entry), ["rights-changed"]);
  });
});

describe("lines are counted as", () => {
  const counted = (of: typeof stack, entry: LogEntry): string[] =>
    Object.entries(logMetricsOf(of)).flatMap(([metric, { filter }]: [string, { readonly filter: string }]) =>
      matches(filter, entry) ? [metric] : [],
    );

  it("commits, failed deliveries and dead letters", () => {
    assert.deepEqual(counted(stack, line("indelible-sealer", "INFO", { event: "sealed", commitNumber: 1 })), [
      "sealed",
    ]);
    const failure = { table: "conversations", code: "ERR_APPEND_REFUSED" };
    assert.deepEqual(counted(stack, line("indelible-function", "ERROR", failure)), ["failedDeliveries"]);
    const dead = line("indelible-function", "WARNING", { table: "conversations", deadLettered: 2 });
    assert.deepEqual(counted(stack, dead), ["deadLettered"]);
    assert.deepEqual(counted(stack, line("indelible-sealer", "ERROR", { code: "ERR_READ" })), []);
  });

  it("those of the worker too, where there is one", () => {
    const others = settingsOf(staging);
    const failed: LogEntry = {
      resource: { type: "cloud_run_worker_pool", labels: { worker_pool_name: "indelible-worker-staging" } },
      severity: "ERROR",
      jsonPayload: { code: "ERR_DEADLINE" },
    };
    assert.deepEqual(counted({ settings: others, names: namesOf(others) }, failed), ["failedDeliveries"]);
    assert.deepEqual(counted(stack, failed), []);
  });
});

describe("the sink takes", () => {
  const filter = accessAuditFilter("acme-agents");
  const service = { serviceName: "bigquery.googleapis.com" };

  it("reads, jobs that are done and read sessions, and nothing else", () => {
    const method = "google.cloud.bigquery.v2.JobService.Query";
    const record = (metadata: LogEntry): LogEntry => dataAccess(activity(method, table, { ...service, metadata }));
    assert.ok(matches(filter, record({ tableDataRead: { reason: "JOB" } })));
    assert.ok(matches(filter, record({ jobChange: { after: "DONE" } })));
    assert.ok(!matches(filter, record({ jobChange: { after: "RUNNING" } })));
    assert.ok(!matches(filter, record({ tableDataChange: {} })));
    const session = "google.cloud.bigquery.storage.v1.BigQueryRead.CreateReadSession";
    assert.ok(matches(filter, dataAccess(activity(session, table, { serviceName: "bigquerystorage.googleapis.com" }))));
    assert.ok(!matches(filter, activity(session, table, service)));
  });
});
