import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPublisher } from "@indelible/publisher";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { loggedTables, methodOf, type Entry, type LoggedTable } from "../../cli/delivery/entries.ts";
import { assertFits, complete, type Context, type Draft } from "../../cli/emit/completion.ts";
import type { JsonObject } from "../../cli/json.ts";
import { RecordingTransport } from "../publisher/recording-transport.ts";

const acme: Context = { businessId: "acme", agentPosition: "COO" };
const place = { ordinal: 3, text: "{}" };

/** What a publisher sends of an event, by a clock and identities that change from one to the next. */
async function sent(table: LoggedTable, event: object): Promise<JsonObject> {
  const transport = new RecordingTransport();
  const publisher = createPublisher({ businessId: "acme", agentPosition: "COO", transport });
  methodOf(publisher, table)(event as Entry["event"]);
  await publisher.close();
  return transport.events(table)[0] ?? {};
}

function misfit(check: () => void): string {
  try {
    check();
    return "none";
  } catch (error) {
    return String(error);
  }
}

describe("complete()", () => {
  const stamps = new Set(["log_id", "logged_at", "publisher_id", "seq"]);
  const samples: readonly Draft[] = [
    {},
    { status: "running" },
    { user_prompt_preview: "ü".repeat(600) },
    { response_preview: "\u{1f375}".repeat(600) },
    { business_id: null, agent_position: "own", log_id: "not one" },
    { confidence_level: 1.7 },
    { conversation_id: "c1", server_name: "s", tool_name: "t", success: "yes" },
  ];
  for (const table of loggedTables) {
    it(`${table} - fills in what the publisher would, and judges what the publisher will send`, async () => {
      for (const event of samples) {
        const draft = complete({ table, event }, place, acme);
        const filled = await sent(table, event);
        const completed = await sent(table, draft);
        const without = (full: JsonObject): string[] => Object.keys(full).filter((column) => !stamps.has(column));
        assert.deepEqual(without(completed), without(filled));
        for (const column in draft) assert.deepEqual(filled[column], draft[column], column);
        assert.equal(
          misfit(() => assertFits(table, draft)),
          misfit(() => assertEvent(table, filled)),
        );
      }
    });
  }

  it("keeps keys that JavaScript has a meaning for", async () => {
    const event = JSON.parse('{"__proto__":{"business_id":"x"},"constructor":1}') as JsonObject;
    const draft = complete({ table: "action_logs", event }, place, acme);
    assert.deepEqual(Object.keys(draft).toSorted(), ["__proto__", "agent_position", "business_id", "constructor"]);
    assert.equal(draft["business_id"], "acme");
  });
});

describe("complete() with a source", () => {
  const source: Context = { ...acme, source: "2026-01-31.ndjson" };
  const event = { started_at: "2026-01-31T09:30:00Z", success: true };
  const text = JSON.stringify(event);
  const of = (context: Context, more: { ordinal?: number; text?: string } = {}): Draft =>
    complete({ table: "action_logs", event }, { ordinal: 3, text, ...more }, context);

  it("leaves nothing to the publisher, so that the same input gives the same bytes", async () => {
    for (const table of loggedTables) {
      const draft = complete({ table, event: { logged_at: "2026-01-31T09:30:00Z" } }, place, source);
      assert.deepEqual(await sent(table, draft), draft);
      assert.doesNotMatch(
        misfit(() => assertFits(table, { ...draft })),
        /log_id|publisher_id|seq|logged_at/,
      );
    }
  });

  it("numbers the lines, so that a line that was refused shows as a gap", () => {
    assert.deepEqual([of(source)["seq"], of(source, { ordinal: 4 })["seq"]], [3, 4]);
    assert.equal(of(source)["publisher_id"], of(source, { ordinal: 4 })["publisher_id"]);
  });

  it("gives another log_id for another source, agent, line or content", () => {
    const others = [
      of(source),
      of({ ...source, source: "2026-02-01.ndjson" }),
      of({ ...source, agentPosition: "CFO" }),
      of(source, { ordinal: 4 }),
      of(source, { text: `${text} ` }),
      complete({ table: "conversations", event }, { ordinal: 3, text }, source),
    ];
    assert.equal(new Set(others.map((draft) => draft["log_id"])).size, others.length);
  });

  it("keeps a log_id that the line has", () => {
    const own = { ...event, log_id: "01930000-0000-7000-8000-000000000001" };
    assert.equal(complete({ table: "action_logs", event: own }, place, source)["log_id"], own.log_id);
  });

  it("refuses a line without a time, for the time of reading would be another one each time", () => {
    assert.throws(() => complete({ table: "action_logs", event: {} }, place, source), { code: "ERR_INVALID_EVENT" });
  });
});
