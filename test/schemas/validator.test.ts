import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { tableNames, type Event } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import fc from "fast-check";
import { eventsOf } from "./samples.ts";

const minimal: Event = {
  conversation_id: "c1",
  business_id: "acme",
  agent_position: "CFO",
  started_at: "2026-01-31T09:30:00Z",
};

function faultOf(change: Event, without?: string): { code: string; message: string } {
  const event: Record<string, unknown> = { ...minimal, ...change };
  if (without !== undefined) delete event[without];
  try {
    assertEvent("conversations", event);
  } catch (error) {
    assert.ok(IndelibleError.is(error));
    return { code: error.code, message: error.message };
  }
  return { code: "valid", message: "" };
}

describe("assertEvent()", () => {
  for (const name of tableNames) {
    it(`${name} - accepts any event that its declaration allows`, () => {
      fc.assert(
        fc.property(eventsOf(name), (event) => assertEvent(name, event)),
        { numRuns: 60 },
      );
    });
  }

  it("accepts null in an optional column, and 500 characters beyond the BMP in a preview", () => {
    assert.equal(faultOf({ ended_at: null, status: null, input_tokens: null }).code, "valid");
    assert.equal(faultOf({ user_prompt_preview: "😀".repeat(500) }).code, "valid");
  });

  const faults: [string, Event, string | undefined, string, RegExp][] = [
    ["a missing required column", {}, "started_at", "ERR_INVALID_EVENT", /lacks started_at/],
    ["null in a required column", { business_id: null }, undefined, "ERR_INVALID_EVENT", /business_id must be string/],
    ["an empty required text", { business_id: "" }, undefined, "ERR_INVALID_EVENT", /business_id/],
    ["an unknown field", { mood: "good" }, undefined, "ERR_UNKNOWN_FIELD", /"mood"/],
    ["a recorded column", { ingested_at: "2026-01-31T09:30:00Z" }, undefined, "ERR_UNKNOWN_FIELD", /"ingested_at"/],
    ["another enum value", { status: "done" }, undefined, "ERR_INVALID_EVENT", /status must be one of .*completed/],
    ["a number as text", { input_tokens: "7" }, undefined, "ERR_INVALID_EVENT", /input_tokens must be integer/],
    ["a fraction of a token", { input_tokens: 1.5 }, undefined, "ERR_INVALID_EVENT", /input_tokens/],
    ["a number beyond 2^53", { input_tokens: 2 ** 53 }, undefined, "ERR_INVALID_EVENT", /input_tokens/],
    ["a negative cost", { cost_usd: -0.01 }, undefined, "ERR_INVALID_EVENT", /cost_usd must be >= 0/],
    ["501 characters of preview", { response_preview: "x".repeat(501) }, undefined, "ERR_INVALID_EVENT", /500/],
    ["a time without an offset", { ended_at: "2026-01-31T09:30:00" }, undefined, "ERR_INVALID_EVENT", /RFC 3339/],
    ["an upper-case UUID", { log_id: "ABCDEF00-0000-7000-8000-000000000000" }, undefined, "ERR_INVALID_EVENT", /UUID/],
    ["seq 0", { seq: 0 }, undefined, "ERR_INVALID_EVENT", /seq must be >= 1/],
  ];
  for (const [what, change, without, code, message] of faults) {
    it(`refuses ${what} and names it`, () => {
      const fault = faultOf(change, without);
      assert.equal(fault.code, code);
      assert.match(fault.message, message);
    });
  }

  it("refuses a confidence outside [0, 1] and a fault deep inside an array of structs", () => {
    const decision = { decision_id: "d", business_id: "a", agent_position: "CFO", decided_at: "2026-01-31T09:30:00Z" };
    assert.throws(() => assertEvent("decision_logs", { ...decision, confidence: 1.01 }), /confidence must be <= 1/);
    assert.throws(
      () => assertEvent("decision_logs", { ...decision, options_evaluated: [{ option: "a" }, { pros: [1] }] }),
      /options_evaluated\.1\.pros\.0 must be string/,
    );
    assert.throws(() => assertEvent("decision_logs", { ...decision, affected_agents: [null] }), /affected_agents\.0/);
  });

  for (const value of [null, 7, "text", [], [{}]]) {
    it(`refuses ${JSON.stringify(value)} as an event`, () => {
      assert.throws(() => assertEvent("conversations", value), /the event must be object/);
    });
  }
});
