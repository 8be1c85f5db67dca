import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { accountFor, type TableAccount } from "../../cli/delivery/accounting.ts";
import type { ManifestItem } from "../../cli/delivery/manifest.ts";

interface Case {
  readonly times?: number;
  readonly wasThere?: boolean;
  readonly present?: boolean;
  readonly dead?: number;
}

/** The account of one `log_id`. */
function account({ times = 1, wasThere = false, present = false, dead = 0 }: Case): Partial<TableAccount> {
  const found = accountFor("conversations", new Map([["a", { times, wasThere }]]), {
    present: new Set(present ? ["a"] : []),
    newDeadLetters: new Map(dead > 0 ? [["a", dead]] : []),
    extra: 0,
  });
  const { rows, duplicates, deadLetters, missing } = found.account;
  assert.deepEqual(found.missingIds.length, missing);
  return { rows, duplicates, deadLetters, missing };
}

const none = { rows: 0, duplicates: 0, deadLetters: 0, missing: 0 };

describe("accountFor()", () => {
  it("an entry that is new in the history is a row", () => {
    assert.deepEqual(account({ present: true }), { ...none, rows: 1 });
  });
  it("an entry that is nowhere is missing", () => {
    assert.deepEqual(account({}), { ...none, missing: 1 });
  });
  it("an entry that was there before is a duplicate", () => {
    assert.deepEqual(account({ wasThere: true, present: true }), { ...none, duplicates: 1 });
  });
  it("an entry that was published twice is a row and a duplicate", () => {
    assert.deepEqual(account({ times: 2, present: true }), { ...none, rows: 1, duplicates: 1 });
  });
  it("a dead letter is not missing", () => {
    assert.deepEqual(account({ dead: 1 }), { ...none, deadLetters: 1 });
  });
  it("two dead letters of one event, after a message was delivered twice, count once", () => {
    assert.deepEqual(account({ dead: 2 }), { ...none, deadLetters: 1 });
  });
  it("of an ID that was published twice one may be a dead letter and the other a row", () => {
    assert.deepEqual(account({ times: 2, present: true, dead: 1 }), { ...none, deadLetters: 1, rows: 1 });
  });

  it("property: published = rows + duplicates + dead letters + missing", () => {
    const item = fc.record({
      times: fc.integer({ min: 1, max: 3 }),
      wasThere: fc.boolean(),
      present: fc.boolean(),
      dead: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(item), fc.nat(5), (items, extra) => {
        const id = (index: number): string => `id-${index}`;
        const manifest = new Map<string, ManifestItem>(items.map((entry, index) => [id(index), entry]));
        const { account: found, missingIds } = accountFor("action_logs", manifest, {
          present: new Set(items.flatMap(({ present }, index) => (present ? [id(index)] : []))),
          newDeadLetters: new Map(items.map(({ dead }, index) => [id(index), dead])),
          extra,
        });
        const published = items.reduce((sum, { times }) => sum + times, 0);
        assert.equal(found.published, published);
        assert.equal(found.rows + found.duplicates + found.deadLetters + found.missing, published);
        assert.equal(found.missing, missingIds.length);
        assert.equal(found.extra, extra);
      }),
    );
  });
});
