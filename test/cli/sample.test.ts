import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { loggedTables } from "../../cli/delivery/entries.ts";
import { sampleDay } from "../../cli/sample/day.ts";

const day = sampleDay("2026-01-31");

describe("sampleDay()", () => {
  it("every entry but the one that is broken on purpose is valid", () => {
    const refused = day.flatMap(({ table, event }) => {
      try {
        assertEvent(table, event);
        return [];
      } catch (error) {
        return [String(error)];
      }
    });
    assert.deepEqual(refused, ["IndelibleError: confidence_level must be <= 1"]);
  });

  it("every table has entries, and one entry comes twice", () => {
    assert.deepEqual(new Set(day.map(({ table }) => table)), new Set(loggedTables));
    assert.equal(new Set(day.map(({ event }) => event.log_id)).size, day.length - 1);
  });

  it("the same day is the same entries, another day shares none", () => {
    assert.deepEqual(sampleDay("2026-01-31"), day);
    const ids = new Set(day.map(({ event }) => event.log_id));
    assert.ok(sampleDay("2026-02-01").every(({ event }) => !ids.has(event.log_id)));
  });

  it("each publisher counts its entries from 1 without a gap", () => {
    const seqs = new Map<string, Set<number>>();
    for (const { event } of day) {
      const seen = seqs.get(event.publisher_id) ?? new Set();
      seqs.set(event.publisher_id, seen.add(event.seq));
    }
    for (const seen of seqs.values()) assert.equal(Math.max(...seen), seen.size);
  });
});
