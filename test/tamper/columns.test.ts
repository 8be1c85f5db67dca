import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Verification } from "@indelible/ledger/verify.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import { assertFound, foundOf, logAndSeal } from "./attack.ts";
import { Arena, conversation, logIdOf } from "./world.ts";

const decision: Event = {
  decision_id: "d1",
  business_id: "acme",
  agent_position: "CFO",
  options_evaluated: [
    { option: "build", pros: ["ours"], cons: ["slow", "dear"], score: 0.5 },
    { option: "buy", pros: [], score: 0.75 },
  ],
  affected_agents: ["CFO", "CTO"],
  decided_at: "2026-06-01T12:00:00Z",
  requires_human_review: true,
};
const build = "STRUCT('build' AS option, ['ours'] AS pros, ['slow', 'dear'] AS cons, 0.5 AS score)";
const empty = "ARRAY(SELECT one FROM UNNEST(['']) AS one WHERE FALSE)";

const action: Event = {
  action_id: "a1",
  business_id: "acme",
  agent_position: "CFO",
  action_details: { invoice: 17, lines: [{ sku: "a", price: 1.5 }], note: null },
  started_at: "2026-06-01T12:00:00.123456Z",
  duration_ms: 120,
  success: true,
};
const events = { conversations: conversation("c1"), action_logs: action, decision_logs: decision };

/** Changes of a typed column alone, each of a row of its own. */
const attacks: readonly (readonly [table: keyof typeof events, column: string, change: string, value: string])[] = [
  ["conversations", "status", "another text", "'error'"],
  ["conversations", "status", "an empty text", "''"],
  ["conversations", "status", "NULL", "NULL"],
  ["conversations", "user_prompt_preview", "its text with a space behind", "CONCAT(user_prompt_preview, ' ')"],
  ["conversations", "user_prompt_preview", "its text with a letter of another alphabet", "'What аbout c1?'"],
  ["conversations", "conversation_id", "another conversation", "'c2'"],
  ["conversations", "cost_usd", "another amount", "0.26"],
  ["conversations", "cost_usd", "the next double", "0.25000000000000006"],
  ["conversations", "cost_usd", "NULL", "NULL"],
  ["conversations", "started_at", "a microsecond later", "TIMESTAMP '2026-06-01 12:00:00.000001+00'"],
  ["conversations", "started_at", "the end of time", "TIMESTAMP '9999-12-31 23:59:59.999999+00'"],
  ["conversations", "started_at", "the beginning of time", "TIMESTAMP '0001-01-01 00:00:00+00'"],
  ["conversations", "publisher_id", "another publisher", "'nobody'"],
  ["conversations", "logged_at", "a time, where the entry has none", "TIMESTAMP '2026-06-01 12:01:00+00'"],
  ["conversations", "error_message", "a text, where the entry has none", "'it was refused'"],
  ["conversations", "error_message", "an empty text, where the entry has none", "''"],
  ["conversations", "total_tokens", "0, where the entry has none", "0"],
  ["action_logs", "started_at", "a microsecond later", "TIMESTAMP '2026-06-01 12:00:00.123457+00'"],
  ["action_logs", "duration_ms", "another number", "121"],
  ["action_logs", "duration_ms", "the largest number", "9223372036854775807"],
  ["action_logs", "success", "the opposite", "FALSE"],
  ["action_logs", "success", "NULL", "NULL"],
  ["action_logs", "cost_usd", "0, where the entry has none", "0"],
  [
    "action_logs",
    "action_details",
    "a value that stands deep inside",
    details('17, "lines": [{"sku": "a", "price": 1.4}]'),
  ],
  ["action_logs", "action_details", "the number as a text", details('"17", "lines": [{"sku": "a", "price": 1.5}]')],
  ["action_logs", "action_details", "one key more", details('17, "paid": true, "lines": [{"sku": "a", "price": 1.5}]')],
  ["action_logs", "action_details", "JSON's null", "JSON 'null'"],
  ["action_logs", "action_details", "NULL", "NULL"],
  ["decision_logs", "requires_human_review", "the opposite", "FALSE"],
  ["decision_logs", "confidence", "a number, where the entry has none", "0.5"],
  ["decision_logs", "affected_agents", "one item more", "['CFO', 'CTO', 'CEO']"],
  ["decision_logs", "affected_agents", "another order", "['CTO', 'CFO']"],
  ["decision_logs", "affected_agents", "nothing", "[]"],
  ["decision_logs", "affected_entities", "an item, where the entry has none", "['budget']"],
  ["decision_logs", "options_evaluated", "another number in a struct", `[${build}, ${buy("0.25", empty)}]`],
  ["decision_logs", "options_evaluated", "NULL in a struct", `[${build}, ${buy("CAST(NULL AS FLOAT64)", empty)}]`],
  ["decision_logs", "options_evaluated", "another array in a struct", `[${build}, ${buy("0.75", "['dear']")}]`],
  ["decision_logs", "options_evaluated", "a struct less", `[${build}]`],
  ["decision_logs", "options_evaluated", "nothing", "[]"],
  ["decision_logs", "schema_version", "one that there has not been", "2"],
  ["decision_logs", "schema_version", "0", "0"],
];

function details(rest: string): string {
  return `JSON '{"note": null, "invoice": ${rest}}'`;
}

function buy(score: string, cons: string): string {
  return `STRUCT('buy' AS option, ${empty} AS pros, ${cons} AS cons, ${score} AS score)`;
}

const rowOf = (at: number): string => logIdOf(1000 + at);

describe("the admin changes one column of a sealed row", () => {
  const arena = new Arena();
  let verification: Verification;
  before(async () => {
    await arena.start();
    const world = await (await arena.world()).fill();
    // Rows that nobody changes stand between those that are.
    const untouched = attacks.map(([table], at) => [table, logIdOf(2000 + at), events[table]] as const);
    await logAndSeal(world, [
      ...attacks.map(([table], at) => [table, rowOf(at), events[table]] as const),
      ...untouched,
    ]);
    assertFound(await world.verify());
    for (const [at, [table, column, , value]] of attacks.entries()) {
      await world.admin(`UPDATE ${table} SET ${column} = ${value} WHERE log_id = '${rowOf(at)}'`);
    }
    verification = await world.verify();
  });
  after(() => arena.stop());

  for (const [at, [table, column, change]] of attacks.entries()) {
    it(`${table}.${column}, to ${change}: the row is found, and the column named`, () => {
      const [finding, ...others] = foundOf(verification, rowOf(at));
      assert.deepEqual([finding?.code, finding?.table, others], ["projection-differs", table, []]);
      const says = column === "schema_version" ? /^schema_version is none that/ : `"${column}" does not say what`;
      assert.ok(finding?.message.search(says) !== -1, finding?.message);
    });
  }

  it("and nothing else is found: what was sealed is there", () => {
    assertFound(verification, ...attacks.map(([table], at) => `projection-differs ${table} ${rowOf(at)}`));
    assert.equal(verification.tables.find(({ table }) => table === "conversations")?.verified.length, 1);
  });
});
