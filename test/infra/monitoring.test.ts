import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { errorKinds } from "@indelible/schemas/errors.ts";
import { alertDeclarations } from "../../infra/alerts.ts";
import type { DashboardJson } from "../../infra/dashboard.ts";
import { graphOf } from "../../infra/graph.ts";
import { inputOf, nodeOf, nodesOf, textOf } from "./nodes.ts";
import { production, staging } from "./stacks.ts";

const graph = await graphOf(production);
const second = await graphOf(staging);
const policies = nodesOf(graph, "AlertPolicy");
const operate = readFileSync(new URL("../../docs/operate.md", import.meta.url), "utf8");
/** The severity that the section of an alert begins with, by the alert's title. */
const documented = new Map(
  [...operate.matchAll(/^### (.+)\n\n([A-Z]+)\. /gm)].map(([, title = "", severity = ""]) => [title, severity]),
);

/** What is asked of Cloud Logging or Cloud Monitoring by a node, at whatever depth. */
function queriesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === "string" && ["filter", "query", "prometheusQuery"].includes(key) ? [inner] : queriesIn(inner),
  );
}

/** Metrics of Google's that are used, in the form of a filter: each was looked up. */
const metrics: ReadonlySet<string> = new Set([
  "pubsub.googleapis.com/topic/send_message_operation_count",
  "pubsub.googleapis.com/subscription/oldest_unacked_message_age",
  "pubsub.googleapis.com/subscription/num_undelivered_messages",
  "run.googleapis.com/container/instance_count",
  "run.googleapis.com/container/cpu/utilizations",
  "run.googleapis.com/container/memory/utilizations",
  "run.googleapis.com/request_latencies",
]);
const inPromql = new Set([...metrics].map((name) => name.replace(/\//, ":").replaceAll(/[./]/g, "_")));

describe("each alert", () => {
  for (const { id, title, severity, when } of alertDeclarations) {
    it(`says what it means and what to do first, to somebody: ${title}`, () => {
      const policy = nodeOf(graph, "AlertPolicy", id);
      assert.equal(policy.inputs["severity"], severity);
      assert.deepEqual(policy.inputs["notificationChannels"], [
        nodesOf(graph, "NotificationChannel").map(({ name }) => `projects/acme-agents/notificationChannels/${name}`)[0],
      ]);
      const text = textOf(policy, "documentation.content");
      for (const part of [when, "\n\nFirst:\n\n    ", `docs/operate.md, "${title}"`])
        assert.ok(text.includes(part), part);
      assert.doesNotMatch(text, /undefined|\[object/);
      assert.ok(textOf(policy, "documentation.subject").length <= 255);
    });

    it(`has one condition of one form, and its log can be read within Cloud Monitoring's limits: ${title}`, () => {
      const policy = nodeOf(graph, "AlertPolicy", id);
      const { displayName, ...forms } = (policy.inputs["conditions"] as readonly [{ [form: string]: unknown }])[0];
      assert.equal(displayName, when);
      assert.equal(Object.keys(forms).length, 1);
      const isLog = forms["conditionMatchedLog"] !== undefined;
      assert.equal(inputOf(policy, "alertStrategy.notificationRateLimit") !== undefined, isLog);
      for (const query of queriesIn(forms)) {
        assert.ok(query.length <= 2000, `${query.length} characters`);
        assertBalanced(query);
      }
    });
  }

  it("is one of those that the program makes", () => {
    assert.equal(policies.length, alertDeclarations.length);
  });

  it("of another environment watches that environment, and has another name", () => {
    const names = (of: typeof graph): unknown[] =>
      nodesOf(of, "AlertPolicy").map(({ inputs }) => inputs["displayName"]);
    assert.deepEqual(
      names(second).filter((name) => names(graph).includes(name)),
      [],
    );
    const [query = ""] = queriesIn(nodeOf(second, "AlertPolicy", "dead-letters").inputs);
    assert.match(query, /topic_id="agent-logs-staging\.dead-letter"/);
  });

  it("is told to nobody but in the console when no address is given", async () => {
    const silent = await graphOf({ ...production, "indelible:alertEmails": "[]" });
    assert.deepEqual(nodesOf(silent, "NotificationChannel"), []);
    for (const policy of nodesOf(silent, "AlertPolicy")) assert.deepEqual(policy.inputs["notificationChannels"], []);
  });

  it(
    "has a section in docs/operate.md that begins with its severity",
    { skip: documented.size === 0 && "docs/operate.md has no sections of alerts yet" },
    () => {
      assert.deepEqual(
        [...documented].toSorted(),
        alertDeclarations.map(({ title, severity }) => [title, severity]).toSorted(),
      );
    },
  );
});

describe("what is asked", () => {
  const dashboard = JSON.parse(textOf(nodeOf(graph, "Dashboard", "dashboard"), "dashboardJson")) as DashboardJson;
  const ofLogs = new Set(nodesOf(graph, "Metric").map(({ inputs }) => String(inputs["name"])));
  const queries = [...policies.flatMap(({ inputs }) => queriesIn(inputs)), ...queriesIn(dashboard)];

  it("is of metrics of Google's that are known, and of those of logs that the program makes", () => {
    for (const query of queries) {
      for (const [, name = ""] of query.matchAll(/metric\.type="([^"]+)"/g)) {
        const own = /^logging\.googleapis\.com\/user\/(.+)$/.exec(name)?.[1];
        assert.ok(own === undefined ? metrics.has(name) : ofLogs.has(own), name);
      }
      for (const [, name = ""] of query.matchAll(/([a-z]+_googleapis_com:[a-z_]+)/g)) {
        const own = /^logging_googleapis_com:user_(.+)$/.exec(name)?.[1];
        assert.ok(own === undefined ? inPromql.has(name.replace(/_bucket$/, "")) : ofLogs.has(own), name);
      }
    }
  });

  it("names codes of errors that there are", () => {
    for (const query of queries)
      for (const [code] of query.matchAll(/ERR_[A-Z_]+/g)) assert.ok(code in errorKinds, code);
  });

  it("is on a dashboard whose tiles lie beside each other", () => {
    assert.equal(dashboard.displayName, "indelible-log");
    const { columns, tiles } = dashboard.mosaicLayout;
    assert.equal(columns, 48);
    const taken = new Set<string>();
    for (const { xPos, yPos, width, height, widget } of tiles) {
      assert.ok(xPos + width <= columns && height > 0, widget.title);
      for (let x = xPos; x < xPos + width; x += 1) {
        assert.ok(!taken.has(`${x} ${yPos}`), `${widget.title} lies on another tile`);
        taken.add(`${x} ${yPos}`);
      }
      assert.ok(widget.xyChart.dataSets.length > 0);
      for (const { timeSeriesQuery } of widget.xyChart.dataSets) assertBalanced(timeSeriesQuery.prometheusQuery);
    }
  });
});

/** Parentheses, brackets and quotes that are opened are closed; those within quotes are text. */
function assertBalanced(query: string): void {
  assert.equal((query.match(/(?<!\\)"/g) ?? []).length % 2, 0, `an odd number of quotes: ${query}`);
  const bare = query.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  for (const [open, close] of ["()", "[]", "{}"] as const) {
    let depth = 0;
    for (const character of bare) {
      depth += Number(character === open) - Number(character === close);
      assert.ok(depth >= 0, query);
    }
    assert.equal(depth, 0, query);
  }
}
