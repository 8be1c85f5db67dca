import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { purposeLabels } from "@indelible/schemas/purpose.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { accessEvents } from "@indelible/subscriber/access-audit.ts";
import fc from "fast-check";
import { logEntries } from "../../local/bigquery/audit/log-entry.ts";
import { conversations, job, jobEntry, listing, logEntry, query, queryStats } from "./log-entries.ts";

/** The events of an entry, each of which its table takes. */
function eventsOf(entry: unknown): Event[] {
  const events = accessEvents(JSON.stringify(entry));
  for (const event of events) assertEvent("log_access_audit", event);
  return events;
}

const told = (entry: unknown, ...columns: string[]): unknown[][] =>
  eventsOf(entry).map((event) => columns.map((column) => event[column]));

describe("accessEvents() - what is a read", () => {
  it("a query: an event for each table and view, with what the job says of all", () => {
    const why = "Rechnung 4711 prüfen, auf Bitten von J. Doe";
    const [table, seen, ...others] = eventsOf(
      jobEntry(
        { type: "QUERY", queryConfig: query, labels: { team: "finance", ...purposeLabels(why) } },
        { queryStats },
      ),
    );
    assert.deepEqual(others, []);
    const { log_id, access_id, ...rest } = table!;
    assert.deepEqual(rest, {
      accessed_at: "2026-03-28T18:37:06.079123456Z",
      principal: "auditor@acme.example",
      caller_ip: "203.0.113.7",
      caller_user_agent: "gcloud-node-bigquery/8.3.1,gzip(gfe)",
      access_type: "query",
      project_id: "acme",
      dataset_id: "agent_logs_raw",
      table_id: "conversations",
      statement: "SELECT user_prompt_preview FROM agent_logs.conversations",
      job_id: job,
      rows_read: 12,
      bytes_read: 4096,
      purpose: why,
    });
    assert.equal(seen!["dataset_id"], "agent_logs");
    assert.notEqual(seen!["access_id"], access_id);
    assert.notEqual(seen!["log_id"], log_id);
  });

  it("a job and the read of its table are one access, of which the job's record counts as the later", () => {
    const [ofJob] = eventsOf(jobEntry({ queryConfig: query }, { queryStats }));
    const [ofTable] = eventsOf(
      logEntry(
        { tableDataRead: { fields: ["user_prompt_preview"], reason: "JOB", jobName: job } },
        { resourceName: conversations },
      ),
    );
    assert.equal(ofTable!["access_id"], ofJob!["access_id"]);
    assert.notEqual(ofTable!["log_id"], ofJob!["log_id"]);
    assert.deepEqual(ofTable!["columns_read"], ["user_prompt_preview"]);
    assert.equal(ofTable!["statement"], undefined);
    assert.equal(ofTable!["logged_at"], ofTable!["accessed_at"]);
    assert.equal(ofJob!["logged_at"], undefined);
  });

  const how: readonly (readonly [string, unknown, unknown])[] = [
    ["tabledata.list", logEntry({ tableDataRead: { reason: "TABLEDATA_LIST_REQUEST" } }, listing), "list"],
    ["tabledata.list whose reason is not told", logEntry({ tableDataRead: {} }, listing), "list"],
    [
      "a read session",
      logEntry(
        { tableDataRead: { reason: "CREATE_READ_SESSION", sessionName: "projects/acme/locations/us/sessions/s1" } },
        { resourceName: conversations },
      ),
      "read_session",
    ],
    [
      "a read session that is told without metadata",
      logEntry(
        {},
        {
          metadata: undefined,
          methodName: "google.cloud.bigquery.storage.v1.BigQueryRead.CreateReadSession",
          resourceName: "projects/acme",
          request: { readSession: { table: conversations } },
        },
      ),
      "read_session",
    ],
    ["the result of a kept query", logEntry({ tableDataRead: { reason: "QUERY_REQUEST" } }, listing), "query"],
    ["a reason that Google adds later", logEntry({ tableDataRead: { reason: "NEW" } }, listing), "query"],
    [
      "an export by a statement",
      jobEntry(
        { queryConfig: { ...query, statementType: "EXPORT_DATA" } },
        { queryStats: { referencedTables: [conversations] } },
      ),
      "export",
    ],
    [
      "a snapshot",
      jobEntry(
        { queryConfig: { ...query, statementType: "CREATE_SNAPSHOT_TABLE" } },
        { queryStats: { referencedTables: [conversations] } },
      ),
      "copy",
    ],
  ];
  for (const [what, entry, type] of how) {
    it(`${what}: ${String(type)}`, () =>
      assert.deepEqual(told(entry, "access_type", "table_id"), [[type, "conversations"]]));
  }

  const session = "projects/acme/locations/eu/sessions/0f3c5d";

  it("a read session, as the local warehouse records it: its name in job_id, and the selected fields", () => {
    const fields = ["log_id", "user_prompt_preview"];
    const table = { projectId: "acme", datasetId: "agent_logs_raw", tableId: "conversations" };
    const caller = { principal: "sealer@acme.example", allows: () => true };
    const origin = { ip: "203.0.113.7", userAgent: "grpc-node-js/1.14.0" };
    const atMs = Date.parse("2026-03-28T18:37:06.079Z");
    const records = logEntries(caller, origin, { kind: "read_session", session, table, fields, atMs });
    const [event, ...others] = records.flatMap(eventsOf);
    assert.deepEqual(others, []);
    const { log_id: _logId, access_id: _accessId, ...rest } = event!;
    assert.deepEqual(rest, {
      logged_at: "2026-03-28T18:37:06.079Z",
      accessed_at: "2026-03-28T18:37:06.079Z",
      principal: "sealer@acme.example",
      caller_ip: "203.0.113.7",
      caller_user_agent: "grpc-node-js/1.14.0",
      access_type: "read_session",
      project_id: "acme",
      dataset_id: "agent_logs_raw",
      table_id: "conversations",
      columns_read: fields,
      job_id: session,
    });
  });

  it("a read session that is told without metadata: the same, by what was asked and answered", () => {
    const entry = logEntry(
      {},
      {
        metadata: undefined,
        methodName: "google.cloud.bigquery.storage.v1.BigQueryRead.CreateReadSession",
        resourceName: "projects/acme",
        request: { readSession: { table: conversations, readOptions: { selectedFields: ["log_id"] } } },
        response: { name: session },
      },
    );
    assert.deepEqual(told(entry, "access_type", "table_id", "columns_read", "job_id"), [
      ["read_session", "conversations", ["log_id"], session],
    ]);
  });

  it("CREATE TABLE AS and a query with a destination: with where the result was stored", () => {
    const destinationTable = "projects/acme/datasets/scratch/tables/mine";
    for (const statementType of ["CREATE_TABLE_AS_SELECT", "SELECT", "INSERT"]) {
      const entry = jobEntry(
        { queryConfig: { ...query, statementType, destinationTable } },
        { queryStats: { referencedTables: [conversations] } },
      );
      assert.deepEqual(told(entry, "access_type", "destination"), [["query", destinationTable]]);
    }
  });

  it("a table copy: each source, with its destination, without partitions and points in time", () => {
    const sourceTables = [`${conversations}$20260131`, `${conversations.replace("conversations", "action_logs")}@1`];
    const destinationTable = "projects/other/datasets/d/tables/copy";
    const entry = jobEntry({
      type: "COPY",
      tableCopyConfig: { sourceTables, destinationTable, operationType: "COPY" },
    });
    assert.deepEqual(told(entry, "access_type", "table_id", "destination"), [
      ["copy", "conversations", destinationTable],
      ["copy", "action_logs", destinationTable],
    ]);
  });

  it("an export to files: with the files and bytes", () => {
    const entry = jobEntry(
      { type: "EXPORT", extractConfig: { sourceTable: conversations, destinationUris: ["gs://b/1", "gs://b/2"] } },
      { extractStats: { totalInputBytes: "99" } },
    );
    assert.deepEqual(told(entry, "access_type", "destination", "bytes_read"), [["export", "gs://b/1 gs://b/2", 99]]);
  });

  it("a query that failed after it had read: its error may quote what it read", () => {
    const jobStatus = { jobState: "DONE", errorResult: { code: 3, message: "Bad int64 value: secret" } };
    assert.equal(eventsOf(jobEntry({ queryConfig: query }, { queryStats }, { jobStatus })).length, 2);
  });

  it("somebody whom BigQuery does not name", () => {
    const read = { tableDataRead: { reason: "TABLEDATA_LIST_REQUEST" } };
    const subject = "principal://iam.googleapis.com/locations/global/workforcePools/p/subject/s";
    const bySubject = { ...listing, authenticationInfo: { principalSubject: subject } };
    assert.deepEqual(told(logEntry(read, bySubject), "principal"), [[subject]]);
    assert.deepEqual(told(logEntry(read, { ...listing, authenticationInfo: {} }), "principal"), [["unknown"]]);
    assert.deepEqual(told(logEntry(read, { ...listing, requestMetadata: null }), "caller_ip"), [[undefined]]);
  });
});

describe("accessEvents() - what is none", () => {
  const denied = { ...listing, status: { code: 7, message: "Access Denied" } };
  const none: { readonly [what: string]: unknown } = {
    "an append": logEntry({ tableDataChange: { reason: "WRITE_API", insertedRowsCount: "5" } }),
    "a job that begins": logEntry({
      jobInsertion: { reason: "QUERY_REQUEST", job: { jobName: job, jobConfig: { queryConfig: query } } },
    }),
    "a job that runs": logEntry({
      jobChange: {
        after: "RUNNING",
        job: { jobName: job, jobConfig: { queryConfig: query }, jobStats: { queryStats } },
      },
    }),
    "a statement of no table": jobEntry({ queryConfig: query }, { queryStats: {} }),
    "a failed query that read nothing": jobEntry(
      { queryConfig: query },
      {},
      { jobStatus: { jobState: "DONE", errorResult: { code: 5 } } },
    ),
    "a failed copy": jobEntry(
      { tableCopyConfig: { sourceTables: [conversations] } },
      {},
      { jobStatus: { errorResult: { code: 7 } } },
    ),
    "a load": jobEntry({ type: "IMPORT", loadConfig: { destinationTable: conversations, sourceUris: ["gs://b/f"] } }),
    metadata: logEntry({ tableChange: { reason: "TABLE_UPDATE_REQUEST", table: { tableName: conversations } } }),
    "rows of a read session, which its creation has told of": logEntry(
      {},
      { metadata: undefined, methodName: "google.cloud.bigquery.storage.v1.BigQueryRead.ReadRows" },
    ),
    "a refused listing": logEntry({ tableDataRead: { reason: "TABLEDATA_LIST_REQUEST" } }, denied),
    "the hidden result of a query": logEntry(
      { tableDataRead: { reason: "GET_QUERY_RESULTS_REQUEST" } },
      { resourceName: "projects/acme/datasets/_8b5b1c4f/tables/anon9f2c" },
    ),
    "the older form that BigQuery writes beside": {
      ...logEntry({}),
      protoPayload: { serviceData: { jobCompletedEvent: {} }, methodName: "jobservice.jobcompleted" },
    },
    "a log of something else": { insertId: "x", logName: "projects/acme/logs/syslog", textPayload: "hello" },
  };
  for (const [what, entry] of Object.entries(none)) it(what, () => assert.deepEqual(eventsOf(entry), []));
});

describe("accessEvents() - what cannot be understood", () => {
  const read = { tableDataRead: { reason: "TABLEDATA_LIST_REQUEST" } };
  const { insertId: _, ...anonymousEntry } = logEntry(read, listing) as { insertId: string };
  const broken: { readonly [what: string]: readonly [string, string] } = {
    "no JSON": ["{", "ERR_NOT_JSON"],
    "no object": ["[]", "ERR_INVALID_EVENT"],
    "a table's name that is none": [
      JSON.stringify(logEntry(read, { resourceName: "projects/acme" })),
      "ERR_INVALID_EVENT",
    ],
    "no table's name": [JSON.stringify(logEntry(read, { resourceName: 7 })), "ERR_INVALID_EVENT"],
    "no insertId": [JSON.stringify(anonymousEntry), "ERR_INVALID_EVENT"],
    "no time": [JSON.stringify({ ...logEntry(read, listing), timestamp: "yesterday" }), "ERR_INVALID_EVENT"],
    "a job without a name": [
      JSON.stringify(jobEntry({ queryConfig: query }, { queryStats }, { jobName: "" })),
      "ERR_INVALID_EVENT",
    ],
    "tables that are no list": [
      JSON.stringify(jobEntry({ queryConfig: query }, { queryStats: { referencedTables: {} } })),
      "ERR_INVALID_EVENT",
    ],
    "a record larger than Cloud Logging's": [
      JSON.stringify(jobEntry({ queryConfig: { ...query, query: "x".repeat(1 << 20) } }, { queryStats })),
      "ERR_TOO_LARGE",
    ],
    "more tables than a query can name": [
      JSON.stringify(
        jobEntry(
          { queryConfig: query },
          { queryStats: { referencedTables: Array.from({ length: 1001 }, (_one, n) => `${conversations}_${n}`) } },
        ),
      ),
      "ERR_TOO_LARGE",
    ],
  };
  for (const [what, [text, code]] of Object.entries(broken)) {
    it(`${what}: ${code}, which is no reason to deliver it again`, () => {
      assert.throws(
        () => accessEvents(text),
        (error) => IndelibleError.is(error) && error.code === code && !error.retryable,
      );
    });
  }

  it("gives events that the table takes, or an error of ours, whatever comes", () => {
    const hostile = fc.oneof(fc.anything(), fc.constant(conversations), fc.constant([conversations]), fc.string());
    const metadata = fc.record(
      {
        tableDataRead: fc.oneof(
          hostile,
          fc.record({ reason: hostile, fields: hostile, jobName: hostile }, { requiredKeys: [] }),
        ),
        jobChange: fc.record({
          after: fc.constant("DONE"),
          job: fc.record(
            {
              jobName: fc.oneof(hostile, fc.constant(job)),
              jobConfig: fc.record({
                queryConfig: fc.record({ query: hostile, destinationTable: hostile }),
                labels: hostile,
              }),
              jobStats: fc.record({ queryStats: fc.record({ referencedTables: hostile, outputRowCount: hostile }) }),
            },
            { requiredKeys: [] },
          ),
        }),
      },
      { requiredKeys: [] },
    );
    const requests = fc.record({ callerIp: hostile, callerSuppliedUserAgent: hostile });
    fc.assert(
      fc.property(metadata, requests, hostile, (given, requestMetadata, resourceName) => {
        const entry = logEntry(given as { [name: string]: unknown }, { requestMetadata, resourceName });
        let text: string;
        try {
          text = JSON.stringify(entry);
        } catch {
          return; // a bigint
        }
        try {
          for (const event of accessEvents(text)) assertEvent("log_access_audit", event);
        } catch (error) {
          assert.ok(IndelibleError.is(error) && !error.retryable, String(error));
        }
      }),
    );
  });

  it("cuts what is longer than its column, and mends texts that UTF-8 cannot carry", () => {
    const entry = logEntry(read, {
      ...listing,
      authenticationInfo: { principalEmail: "é".repeat(2000) },
      requestMetadata: { callerIp: "\ud800", callerSuppliedUserAgent: "😀".repeat(1025) },
    });
    const [event] = eventsOf(entry);
    assert.equal(event!["principal"], `${"é".repeat(1023)}…`);
    assert.equal(event!["caller_ip"], "\ufffd");
    assert.equal(event!["caller_user_agent"], `${"😀".repeat(1023)}…`);
  });

  it("tells no number that a column could not hold", () => {
    const stats = {
      referencedTables: [conversations],
      outputRowCount: "9223372036854775807",
      totalProcessedBytes: "-1",
    };
    assert.deepEqual(told(jobEntry({ queryConfig: query }, { queryStats: stats }), "rows_read", "bytes_read"), [
      [undefined, undefined],
    ]);
  });
});
