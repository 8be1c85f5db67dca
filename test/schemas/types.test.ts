import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EventOf } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";

/** The types and the validator come from one declaration: what one refuses, the other must refuse too. */
describe("EventOf", () => {
  const base = { decision_id: "d1", business_id: "acme", agent_position: "CFO", decided_at: "2026-01-31T09:30:00Z" };

  it("accepts what the validator accepts", () => {
    const event: EventOf<"decision_logs"> = {
      ...base,
      decision_type: "approval",
      options_evaluated: [{ option: "a", pros: ["cheap"], score: 0.5 }, { cons: null }],
      human_reviewed: null,
      seq: 1,
    };
    assertEvent("decision_logs", event);
  });

  it("refuses what the validator refuses", () => {
    const faults: EventOf<"decision_logs">[] = [
      // @ts-expect-error a closed set
      { ...base, decision_type: "guess" },
      // @ts-expect-error an unknown field
      { ...base, mood: "good" },
      // @ts-expect-error a required column
      { decision_id: "d1", business_id: "acme", agent_position: "CFO" },
      // @ts-expect-error a required column that is null
      { ...base, business_id: null },
      // @ts-expect-error text in a number
      { ...base, confidence: "0.5" },
      // @ts-expect-error a recorded column
      { ...base, ingested_at: "2026-01-31T09:30:00Z" },
      // @ts-expect-error an unknown field deep inside
      { ...base, options_evaluated: [{ option: "a", weight: 1 }] },
    ];
    for (const fault of faults) assert.throws(() => assertEvent("decision_logs", fault));
  });
});
