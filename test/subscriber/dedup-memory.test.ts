import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { tables, type TableName } from "@indelible/schemas/tables.ts";
import { BYTES_PER_ENTRY, DedupMemory, type Identity } from "@indelible/subscriber/dedup-memory.ts";
import fc from "fast-check";
import { entryOf } from "./entries.ts";

describe("DedupMemory", () => {
  it("knows what was marked, and nothing else: as a set of table, log_id and hash does", () => {
    const anyEntry = fc.tuple(
      fc.constantFrom<TableName>("conversations", "action_logs", "thinking_logs"),
      fc.nat({ max: 2 }),
      fc.constantFrom("a", "b", "c"),
    );
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 30 }), (marks) => {
        const memory = new DedupMemory();
        const marked = new Set<string>();
        for (const [table, number, content] of marks) {
          const others = ["a", "b", "c"].filter((other) => other !== content);
          const conflict = others.some((other) => marked.has(`${table} ${number} ${other}`));
          const isNew = !marked.has(`${table} ${number} ${content}`);
          assert.equal(memory.mark(table, entryOf(number, content)), isNew && conflict);
          marked.add(`${table} ${number} ${content}`);
        }
        for (const table of Object.keys(tables) as TableName[]) {
          for (const number of [0, 1, 2]) {
            for (const content of ["a", "b", "c"]) {
              const known = memory.knows(table, entryOf(number, content));
              assert.equal(known, marked.has(`${table} ${number} ${content}`), `${table} ${number} ${content}`);
            }
          }
        }
      }),
    );
  });

  it("forgets the least recently used beyond its bytes", () => {
    const memory = new DedupMemory(3 * BYTES_PER_ENTRY);
    for (const number of [1, 2, 3]) memory.mark("conversations", entryOf(number));
    assert.ok(memory.knows("conversations", entryOf(1)));
    memory.mark("conversations", entryOf(4));
    assert.deepEqual(
      [1, 2, 3, 4].filter((number) => memory.knows("conversations", entryOf(number))),
      [1, 3, 4],
    );
  });

  it("forgets the first of two entries in conflict last, so that it can still tell the other", () => {
    const memory = new DedupMemory(3 * BYTES_PER_ENTRY);
    memory.mark("conversations", entryOf(1, "a"));
    memory.mark("conversations", entryOf(1, "b"));
    memory.mark("conversations", entryOf(2));
    memory.mark("conversations", entryOf(3));
    assert.ok(memory.knows("conversations", entryOf(1, "a")));
    assert.ok(!memory.knows("conversations", entryOf(1, "b")));
  });

  it("holds no more than its bytes, however much it is told, and with nothing but conflicts too", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const used = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const maxBytes = 16 * 1024 * 1024;
    for (const contentsEach of [1, 50]) {
      const before = used();
      const memory = new DedupMemory(maxBytes);
      for (let number = 0; number < (2 * maxBytes) / BYTES_PER_ENTRY; number += 1) {
        const entry = entryOf(Math.floor(number / contentsEach), String(number));
        // Parsed, as in the pipeline: a text that is put together shares its parts.
        memory.mark("conversations", JSON.parse(JSON.stringify(entry)) as Identity);
      }
      const grown = used() - before;
      assert.ok(grown <= maxBytes, `${grown} of ${maxBytes} bytes`);
      assert.ok(memory.knows("conversations", entryOf(0)) === false);
    }
  });
});
