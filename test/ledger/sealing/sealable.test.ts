import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sealableWindows, type SealableWindow } from "@indelible/ledger/sealing/sealable.ts";
import { SealedWarehouse } from "../sealed-warehouse.ts";

const HOUR = 3_600_000_000n;
const base = 1_780_000_000_000_000n;

async function windowsOf(
  warehouse: SealedWarehouse,
  from: bigint,
  until: bigint,
  limits: { maxRowsRead?: number; maxWindowRows?: number; heartbeat?: bigint } = {},
): Promise<SealableWindow[]> {
  const options = { reader: warehouse, maxRowsRead: 50, maxWindowRows: 10, heartbeat: HOUR, ...limits };
  const windows: SealableWindow[] = [];
  for await (const window of sealableWindows({ table: "conversations", from, until }, options)) windows.push(window);
  return windows;
}

describe("sealableWindows()", () => {
  it("finds every row once, however many there are, without ever holding more than it may", async () => {
    const warehouse = new SealedWarehouse();
    for (let number = 0; number < 1000; number += 1) warehouse.log(number, base + BigInt(number * number));
    const windows = await windowsOf(warehouse, 0n, base + HOUR);
    assert.equal(
      windows.reduce((sum, { rowCount }) => sum + rowCount, 0),
      1000,
    );
    assert.ok(windows.every(({ rowCount }) => rowCount <= 10));
    for (const [at, window] of windows.entries()) assert.equal(window.start, windows[at - 1]?.end ?? 0n);
    assert.ok((windows.at(-1)?.end ?? 0n) > base + 999n * 999n);
  });

  it("gives the same windows with more and with less memory", async () => {
    const warehouse = new SealedWarehouse();
    for (let number = 0; number < 300; number += 1) warehouse.log(number, base + BigInt(number % 40));
    const rowsOf = (windows: SealableWindow[]): readonly string[] => windows.flatMap(({ leaves }) => leaves);
    const little = await windowsOf(warehouse, base, base + HOUR, { maxRowsRead: 20 });
    const much = await windowsOf(warehouse, base, base + HOUR, { maxRowsRead: 5000 });
    assert.deepEqual(rowsOf(little), rowsOf(much));
  });

  it("takes more rows of one microsecond than it may hold, because they cannot be told apart by time", async () => {
    const warehouse = new SealedWarehouse();
    for (let number = 0; number < 120; number += 1) warehouse.log(number, base);
    const windows = await windowsOf(warehouse, base - 10n, base + 10n);
    assert.deepEqual(
      windows.map(({ rowCount }) => rowCount).filter((count) => count > 0),
      [120],
    );
  });

  it("leaves a table without rows alone until its heartbeat is due", async () => {
    const warehouse = new SealedWarehouse();
    assert.deepEqual(await windowsOf(warehouse, base, base + HOUR - 1n), []);
    const [window, ...others] = await windowsOf(warehouse, base, base + HOUR);
    assert.deepEqual(others, []);
    assert.deepEqual([window?.start, window?.end, window?.rowCount], [base, base + HOUR, 0]);
  });

  it("finds nothing in a table that is not there, however long it has not been sealed", async () => {
    const warehouse = new SealedWarehouse();
    warehouse.tables.delete("conversations");
    assert.deepEqual(await windowsOf(warehouse, 0n, base + 100n * HOUR), []);
  });

  it("names the read that saw the rows", async () => {
    const warehouse = new SealedWarehouse();
    warehouse.log(1, base);
    const windows = await windowsOf(warehouse, base, base + 5n);
    assert.deepEqual(
      windows.map(({ readSession }) => readSession),
      ["projects/p/locations/local/sessions/1"],
    );
  });
});
