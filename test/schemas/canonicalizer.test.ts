import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { canonicalizerOf, compileFilling, complete, cut, type Sources } from "@indelible/schemas/canonicalizer.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { publishedTables } from "@indelible/schemas/names.ts";
import { tables } from "@indelible/schemas/tables.ts";
import fc from "fast-check";
import { dress, oddEventsOf, oddValue } from "./odd-events.ts";

/** The text, or the code of what refuses it; what a getter or toJSON threw is itself. */
function outcome(write: () => string): unknown {
  try {
    return write();
  } catch (error) {
    return IndelibleError.is(error) ? error.code : String(error);
  }
}

describe("compileFilling()", () => {
  for (const name of publishedTables) {
    const table = tables[name];
    const sources: Sources = {
      [table.entity]: "entity",
      [table.occurredAt]: "now",
      [Object.keys(table.columns).at(-1)!]: "last",
      log_id: "log_id",
      logged_at: "now",
      seq: "seq",
    };
    const write = compileFilling(table, sources);
    const usual = { entity: "e", now: "2026-01-01T00:00:00.000Z", last: undefined, log_id: "l", seq: 1 };
    const defaults = fc.oneof(
      fc.constant(usual),
      fc.record({ entity: oddValue, now: oddValue, last: oddValue, log_id: oddValue, seq: oddValue }),
    );

    it(`${name} - writes what canonicalize() makes of a filled copy, or refuses it for the same reason`, () => {
      fc.assert(
        fc.property(oddEventsOf(name), defaults, dress, (event, defaults, dress) => {
          const dressed = dress(event);
          assert.equal(
            outcome(() => write(dressed, defaults)),
            outcome(() => canonicalize(complete(table, sources, dressed, defaults))),
          );
        }),
        { numRuns: 500 },
      );
    });

    it(`${name} - canonicalizerOf() writes what canonicalize() makes of the members, or refuses them likewise`, () => {
      fc.assert(
        fc.property(oddEventsOf(name), dress, (event, dress) => {
          const dressed = dress(event);
          assert.equal(
            outcome(() => canonicalizerOf(table)(dressed)),
            outcome(() => canonicalize(dressed)),
          );
        }),
        { numRuns: 200 },
      );
    });
  }

  it("keeps a field that its table does not have, also where a class gives a column that is no member", () => {
    class Instance {
      readonly nonsense = 1;
      get action_target(): string {
        return "of the class";
      }
    }
    const write = compileFilling(tables.action_logs, {});
    assert.equal(write({ ...new Instance() }, {}), '{"nonsense":1}');
    assert.equal(write(new Instance() as object as { [column: string]: unknown }, {}), '{"nonsense":1}');
  });
});

describe("cut()", () => {
  it("gives the first code points, all of a text that has no more, and never half of a pair", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 30 }), fc.integer({ min: 0, max: 31 }), (text, maxLength) => {
        assert.equal(cut(text, maxLength), [...text].slice(0, maxLength).join(""));
      }),
    );
  });
});
