import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AccessAudit, type ReadFilter } from "../../cli/access/audit.ts";
import { rowsOf } from "../../cli/warehouse.ts";
import { job, jobEntry, listing, logEntry, query, queryStats } from "../subscriber/log-entries.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

const START = Date.UTC(2026, 2, 29) * 1000;
const filter: ReadFilter & { readonly limit: number } = {
  table: "conversations",
  since: "2026-01-01T00:00:00.000000Z",
  until: undefined,
  principal: undefined,
  except: [],
  limit: 10,
};

describe("what publishers report of reads", () => {
  let warehouse: RawWarehouse;
  let audit: AccessAudit;
  before(async () => {
    warehouse = await RawWarehouse.open("acme");
    audit = new AccessAudit({ project: "acme", datasets: warehouse.datasets }, (question) =>
      rowsOf(warehouse, question),
    );
  });
  after(() => warehouse.close());

  it("neither changes nor hides what the warehouse has recorded, and is told as a report", async () => {
    await warehouse.record(START, jobEntry({ queryConfig: query }, { queryStats }));
    await warehouse.record(START + 1, logEntry({ tableDataRead: { reason: "TABLEDATA_LIST_REQUEST" } }, listing));
    const [list, read] = await audit.reads(filter);
    assert.deepEqual(
      [list?.access_type, read?.access_type, read?.principal],
      ["list", "query", "auditor@acme.example"],
    );

    const ids = await warehouse.query<{ access_id: string }>("SELECT access_id FROM agent_logs.log_access_audit");
    const forged = ids.map(({ access_id }) => ({
      access_id,
      job_id: job,
      principal: "zz@elsewhere.example",
      access_type: "export",
      accessed_at: "2020-01-01T00:00:00Z",
      logged_at: "2030-01-01T00:00:00Z",
      project_id: "acme",
      dataset_id: "scratch",
      table_id: "nothing",
      publisher_id: "liar",
    }));
    await warehouse.write("log_access_audit", START + 2, ...forged);
    assert.deepEqual(await audit.reads(filter), [list, read]);

    await warehouse.write("log_access_audit", START + 3, {
      ...forged[0],
      dataset_id: "agent_logs_raw",
      table_id: "conversations",
      accessed_at: "2026-04-01T00:00:00Z",
    });
    const [reported, ...recorded] = await audit.reads(filter);
    assert.deepEqual(recorded, [list, read]);
    assert.deepEqual([reported?.publisher_id, reported?.principal], ["liar", "zz@elsewhere.example"]);
    assert.equal(await audit.newest(), list?.accessed_at);
  });
});
