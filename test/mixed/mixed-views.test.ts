import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { VIEWS_DATASET } from "@indelible/schemas/names.ts";
import { tables } from "@indelible/schemas/tables.ts";
import { loggedTables } from "../../cli/delivery/entries.ts";
import { rowsOf } from "../../cli/warehouse.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";
import { bring, mixed, type Arrival } from "./mixed-log.ts";
import { sources } from "./mixed-sources.ts";
import { comparable, entitiesOf, historyOf } from "./reference.ts";

for (const { name, skip, events } of sources) {
  describe(`the views of ${name}, with duplicates, conflicts, late entries and in any order`, { skip }, () => {
    let warehouse: RawWarehouse;
    let arrivals: Arrival[];
    before(async () => {
      arrivals = mixed(await events(), 1);
      warehouse = await RawWarehouse.open("mixed-views-test");
      await bring(warehouse, arrivals);
    });
    after(() => warehouse?.close());

    for (const table of loggedTables) {
      it(`${table}_history has every entry once, the copy that was published first, and says whether others differ`, async () => {
        const expected = historyOf(arrivals, table);
        const rows = await warehouse.query<{ log_id: string; entry: string; conflict: boolean }>(
          `SELECT log_id, entry, conflict FROM ${VIEWS_DATASET}.${table}_history`,
        );
        assert.equal(rows.length, expected.size);
        for (const { log_id, entry, conflict } of rows) {
          const { event, conflict: differs } = expected.get(log_id) ?? {};
          assert.deepEqual(JSON.parse(entry), JSON.parse(JSON.stringify(event)));
          assert.equal(conflict, differs, log_id);
        }
      });

      it(`${table} has each entity once, with the latest value of each column`, async () => {
        const expected = entitiesOf(arrivals, table);
        const rows = await rowsOf(warehouse, { query: `SELECT * FROM ${table}` });
        assert.equal(rows.length, expected.size);
        const names = [...Object.keys(tables[table].columns), "entries"];
        for (const row of rows) {
          const id = String(row[tables[table].entity]);
          const shown = Object.fromEntries(names.map((name) => [name, row[name]]));
          assert.deepEqual(comparable(shown), comparable(expected.get(id)), id);
        }
      });
    }
  });
}
