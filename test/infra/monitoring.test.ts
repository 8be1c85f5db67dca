import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { errorKinds } from "@indelible/schemas/errors.ts";
import { alertDeclarations } from "../../infra/alerts.ts";
import type { DashboardJson } from "../../infra/dashboard.ts";
import { graphOf } from "../../infra/graph.ts";
import { aligners, inPromql, metrics, resources, usesOf, type KnownMetric, type Threshold } from "./metrics.ts";
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

const policyOf = (of: typeof graph, id: string): string[] => queriesIn(nodeOf(of, "AlertPolicy", id).inputs);

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

  it("can hold: of a function that has one instance there is none that it has too many", async () => {
    const idsOf = (of: typeof graph): string[] => nodesOf(of, "AlertPolicy").map(({ name }) => name);
    const single = idsOf(await graphOf({ ...production, "indelible:maxInstances": "1" }));
    assert.deepEqual(
      idsOf(graph).filter((id) => !single.includes(id)),
      ["instances"],
    );
    assert.ok(idsOf(await graphOf({ ...production, "indelible:maxInstances": "2" })).includes("instances"));
  });

  it("names first the log of whatever takes the deliveries", () => {
    for (const id of ["backlog-age", "append-errors"]) {
      const first = (of: typeof graph): string => textOf(nodeOf(of, "AlertPolicy", id), "documentation.content");
      assert.match(first(graph), /resource\.labels\.service_name="indelible-function" severity>=ERROR/);
      assert.match(first(second), /resource\.labels\.worker_pool_name="indelible-worker-staging" severity>=ERROR/);
    }
  });

  it("of failed deliveries counts those of the function and of the worker, as long as both deliver", () => {
    const [query = ""] = policyOf(second, "append-errors");
    for (const taker of ["cloud_run_revision", "cloud_run_worker_pool"])
      assert.ok(query.includes(`monitored_resource="${taker}"`), taker);
    assert.doesNotMatch(policyOf(graph, "append-errors")[0] ?? "", /cloud_run_worker_pool/);
  });

  it("of the access audit counts what was published, and not what the topic has refused", () => {
    const [query = ""] = policyOf(graph, "audit-silent");
    assert.match(query, /\{[^}]*response_class!~"invalid\|internal"[^}]*\}/);
  });

  it("does not need a metric of a log before its first line has come: an alert on one that is not there yet is refused", () => {
    for (const { inputs, name } of policies) {
      for (const query of queriesIn(inputs)) assert.doesNotMatch(query, /metric\.type="logging/, name);
      const [condition] = inputs["conditions"] as readonly [{ [form: string]: { [field: string]: unknown } }];
      const promql = condition["conditionPrometheusQueryLanguage"];
      if (promql !== undefined) assert.equal(promql["disableMetricValidation"], true, name);
    }
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

  it("is told once to an address that is named twice", async () => {
    const twice = JSON.stringify(["ops@acme.example", "sec@acme.example", "ops@acme.example"]);
    const told = await graphOf({ ...production, "indelible:alertEmails": twice });
    assert.deepEqual(
      nodesOf(told, "NotificationChannel").map(({ name }) => name),
      ["email-ops@acme.example", "email-sec@acme.example"],
    );
    for (const { inputs } of nodesOf(told, "AlertPolicy"))
      assert.equal((inputs["notificationChannels"] as readonly unknown[]).length, 2);
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

/** Those in Monitoring's filter language and in PromQL, and not those of Cloud Logging. */
function metricQueriesIn(value: unknown): string[] {
  return queriesIn(value).filter((query) => /metric\.type=|_googleapis_com:/.test(query));
}

describe("what is asked", () => {
  const dashboard = JSON.parse(textOf(nodeOf(graph, "Dashboard", "dashboard"), "dashboardJson")) as DashboardJson;
  const queries = [...policies.flatMap(({ inputs }) => metricQueriesIn(inputs)), ...queriesIn(dashboard)];

  const own: { readonly [metric: string]: KnownMetric } = Object.fromEntries(
    nodesOf(graph, "Metric").map(({ inputs }) => {
      const { name, metricDescriptor } = inputs as {
        readonly name: string;
        readonly metricDescriptor: { readonly labels: readonly { readonly key: string }[] };
      };
      const labels = metricDescriptor.labels.map(({ key }) => key);
      return [
        `logging.googleapis.com/user/${name}`,
        { kind: "DELTA", type: "INT64", resources: ["cloud_run_revision", "cloud_run_worker_pool"], labels },
      ];
    }),
  );
  const known = { ...metrics, ...own };

  it("is of metrics that are known, on resources that have them, by labels that either has", () => {
    const asked = queries.flatMap((query) => usesOf(query).map((use) => ({ query, ...use })));
    assert.ok(asked.length > policies.length);
    for (const { query, metric, resource, labels } of asked) {
      const found = Object.entries(known).find(([name]) => name === metric || inPromql(name) === metric)?.[1];
      assert.ok(found !== undefined, `${metric} is not known: ${query}`);
      assert.ok(found.resources.includes(resource), `${metric} is not of ${resource}`);
      for (const label of labels)
        assert.ok([...found.labels, ...resources[resource]!].includes(label), `${metric} has no ${label}`);
    }
  });

  it("is aligned as the kind of the metric allows, and is told apart by labels that there are", () => {
    const thresholds = policies.flatMap(({ name, inputs }) =>
      (inputs["conditions"] as readonly { readonly conditionThreshold?: Threshold }[]).flatMap(
        ({ conditionThreshold }) => (conditionThreshold === undefined ? [] : [{ name, ...conditionThreshold }]),
      ),
    );
    assert.ok(thresholds.length > 0);
    for (const { name, filter, aggregations, duration } of thresholds) {
      const [use] = usesOf(filter);
      assert.ok(use !== undefined);
      const { kind, type, labels } = known[use.metric]!;
      for (const { perSeriesAligner, alignmentPeriod, groupByFields } of aggregations) {
        assert.ok(aligners[perSeriesAligner]?.(kind, type), `${name}: ${perSeriesAligner} of ${kind} ${type}`);
        assert.ok(Number.parseInt(alignmentPeriod, 10) >= 60, name);
        assert.equal(Number.parseInt(duration, 10) % 60, 0, name);
        for (const field of groupByFields) {
          const [, of, label = ""] = /^(metric|resource)\.labels\.([a-z_]+)$/.exec(field) ?? [];
          assert.ok((of === "metric" ? labels : resources[use.resource]!).includes(label), `${name}: ${field}`);
        }
      }
    }
  });

  it("is of the rate of a counter, of the value of a gauge, of the buckets of a distribution", () => {
    for (const query of queries) {
      for (const [, over = "", metric = ""] of query.matchAll(
        /(increase|rate)?\(?([a-z]+_googleapis_com:[a-z_]+)\{/g,
      )) {
        const bare = metric.replace(/_bucket$/, "");
        const { kind, type } = Object.entries(known).find(([name]) => inPromql(name) === bare)![1];
        assert.equal(over !== "", kind !== "GAUGE", `${over} of ${metric}`);
        assert.equal(bare !== metric, type === "DISTRIBUTION", metric);
      }
    }
  });

  it("names codes of errors that there are", () => {
    for (const query of policies.flatMap(({ inputs }) => queriesIn(inputs)))
      for (const [code] of query.matchAll(/ERR_[A-Z_]+/g)) assert.ok(code in errorKinds, code);
  });

  it("is on a dashboard that says nothing that the cloud would not say back: no zero, no empty text", () => {
    const json = textOf(nodeOf(graph, "Dashboard", "dashboard"), "dashboardJson");
    assert.doesNotMatch(json, /"(?:xPos|yPos)":0|"legendTemplate":""/);
  });

  it("is on a dashboard whose tiles lie beside each other", () => {
    assert.equal(dashboard.displayName, "indelible-log");
    const { columns, tiles } = dashboard.mosaicLayout;
    assert.equal(columns, 48);
    const taken = new Set<string>();
    for (const { xPos = 0, yPos = 0, width, height, widget } of tiles) {
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
