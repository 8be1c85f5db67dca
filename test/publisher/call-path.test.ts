/** What a call makes of whatever it is given. The transport is left out: here ends what the agent's thread does. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRecorder, type Context, type Recorder } from "@indelible/publisher/recorder.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { complete } from "@indelible/schemas/canonicalizer.ts";
import { IndelibleError, type ErrorCode } from "@indelible/schemas/errors.ts";
import { publishedTables } from "@indelible/schemas/names.ts";
import { tables, type Event, type Table, type TableName } from "@indelible/schemas/tables.ts";
import fc from "fast-check";
import { dress, oddEventsOf } from "../schemas/odd-events.ts";

const ID = "0199f7a0-0000-7000-8000-000000000001";
const NOW = "2026-01-02T03:04:05.006Z";
const context: Context = { business_id: "acme", agent_position: "CFO", conversation_id: "c" };

interface Recorded {
  readonly recorder: Recorder;
  readonly texts: string[];
  readonly refusals: ErrorCode[];
  /** Of events that were accepted, in the order of their acceptance. */
  readonly events: () => Event[];
}

interface Hooks {
  readonly now?: () => number;
  readonly newId?: () => string;
}

function open({ now = () => Date.parse(NOW), newId = () => ID }: Hooks = {}): Recorded {
  const texts: string[] = [];
  const refusals: ErrorCode[] = [];
  const recorder = createRecorder(
    { publisherId: "p1", now, newId },
    {
      accept: (_table, text) => void texts.push(text),
      refuse: (_table, { code }) => void refusals.push(code),
    },
  );
  return { recorder, texts, refusals, events: () => texts.map((text) => JSON.parse(text) as Event) };
}

/** What the columns of `table` are filled with where they are null or left out. */
function fillings(table: Table, fields: Event, seq: number): Event {
  const of = (column: string, value: unknown): Event => (column in table.columns ? { [column]: value } : {});
  return {
    ...of("business_id", "acme"),
    ...of("agent_position", "CFO"),
    ...of("source_agent", "CFO"),
    ...of("conversation_id", "c"),
    ...of("source_conversation_id", "c"),
    [table.entity]: fields[table.entity] ?? ID,
    [table.occurredAt]: NOW,
    log_id: fields["log_id"] ?? ID,
    logged_at: NOW,
    publisher_id: "p1",
    seq: fields["seq"] ?? seq,
  };
}

function expected(table: Table, fields: Event, seq: number): string | ErrorCode {
  try {
    const values = fillings(table, fields, seq);
    const sources = Object.fromEntries(Object.keys(values).map((column) => [column, column]));
    return canonicalize(complete(table, sources, fields, values));
  } catch (error) {
    return IndelibleError.is(error) ? error.code : "ERR_UNSERIALIZABLE";
  }
}

const descriptors = (object: object): PropertyDescriptorMap => Object.getOwnPropertyDescriptors(object);

for (const name of publishedTables) {
  test(`log() - of ${name} sends a filled copy of whatever it is given, or refuses it, and leaves it as it was`, () => {
    const { recorder, texts, refusals } = open();
    const table = tables[name];
    let seq = 0;
    fc.assert(
      fc.property(oddEventsOf(name), dress, (event, dress) => {
        const fields = dress(event);
        const before = descriptors(fields);
        const wanted = expected(table, fields, seq + 1);
        const logId = recorder.log(name, context, fields);
        assert.equal(logId, fields["log_id"] ?? ID);
        assert.deepEqual(descriptors(fields), before);
        assert.equal(texts.pop() ?? refusals.pop(), wanted);
        if (!wanted.startsWith("{")) return;
        const isNumbered = fields["seq"] === undefined || fields["seq"] === null;
        if (isNumbered) seq += 1;
      }),
      { numRuns: 200 },
    );
  });

  test(`begin() - of ${name} gives the event back as it was sent`, () => {
    const { recorder, texts } = open();
    fc.assert(
      fc.property(oddEventsOf(name), dress, (event, dress) => {
        const given = recorder.begin(name, context, dress(event));
        const text = texts.pop();
        if (text !== undefined) assert.equal(canonicalize(given), text);
      }),
      { numRuns: 100 },
    );
  });
}

test("log() - sends the members of an event that has a toJSON of its own, and nothing else in their place", () => {
  const { recorder, events, refusals } = open();
  for (const substitute of [() => 1, () => undefined, () => ({}), () => ({ log_id: "another" })]) {
    const fields = { action_id: "a", action_target: "t", toJSON: substitute };
    assert.equal(recorder.log("action_logs", context, fields), ID);
    recorder.begin("action_logs", context, fields);
  }
  assert.deepEqual(refusals, []);
  assert.deepEqual(
    events().map(({ log_id, action_id, seq, toJSON }) => [log_id, action_id, seq, toJSON]),
    Array.from({ length: 8 }, (_, index) => [ID, "a", index + 1, undefined]),
  );
});

test("log() - numbers without gaps what was accepted, whatever is refused in between and within", () => {
  interface Step {
    readonly isValid: boolean;
    readonly table: TableName;
    readonly within: readonly Step[];
  }
  const stepWith = (within: fc.Arbitrary<Step>): fc.Arbitrary<Step> =>
    fc.record({
      isValid: fc.boolean(),
      table: fc.constantFrom<TableName>("action_logs", "decision_logs"),
      within: fc.array(within, { maxLength: 2 }),
    });
  const leaf = fc.constantFrom<Step>(
    { isValid: true, table: "action_logs", within: [] },
    { isValid: false, table: "action_logs", within: [] },
  );
  const step = stepWith(stepWith(leaf));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const { recorder, events, refusals } = open();
      const run = ({ isValid, table, within }: Step): void => {
        recorder.log(table, context, {
          get outcome() {
            within.forEach(run);
            return isValid ? "x" : "\ud800";
          },
        });
      };
      steps.forEach(run);
      // A number that came free within a call is given to one of the next.
      for (let rest = refusals.length; rest > 0; rest -= 1) recorder.log("action_logs", context, {});
      const numbers = events().map(({ seq }) => seq as number);
      assert.deepEqual(
        numbers.toSorted((a, b) => a - b),
        numbers.map((_, index) => index + 1),
      );
    }),
  );
});

describe("log() - a getter or toJSON that logs", () => {
  test("mixes nothing up between its own event and the one that is being logged", () => {
    let ids = 0;
    const { recorder, events } = open({ newId: () => `id-${(ids += 1)}` });
    const inner = (target: string): string =>
      recorder.log("action_logs", { business_id: "inner", agent_position: "CMO" }, { action_target: target });
    const innerIds: string[] = [];
    const outer = recorder.log("action_logs", context, {
      get action_type() {
        innerIds.push(inner("from a getter"));
        return "file_write";
      },
      action_details: {
        toJSON: () => {
          innerIds.push(inner("from toJSON"));
          return { a: 1 };
        },
      },
    });
    const all = events();
    assert.equal(new Set(all.map(({ log_id }) => log_id)).size, all.length);
    assert.equal(new Set(all.map(({ seq }) => seq)).size, all.length);
    const last = all.find(({ log_id }) => log_id === outer);
    assert.deepEqual(
      [last!["business_id"], last!["agent_position"], last!["conversation_id"], last!["action_type"]],
      ["acme", "CFO", "c", "file_write"],
    );
    for (const event of all.filter(({ log_id }) => innerIds.includes(log_id as string))) {
      assert.deepEqual(
        [event["business_id"], event["agent_position"], event["conversation_id"], event["action_details"]],
        ["inner", "CMO", undefined, undefined],
      );
    }
    assert.equal(all.length, innerIds.length + 1);
  });

  test("and never stops harms nobody", () => {
    const { recorder, refusals } = open();
    const endless = {
      get action_target(): string {
        return recorder.log("action_logs", context, endless);
      },
    };
    assert.equal(typeof recorder.log("action_logs", context, endless), "string");
    assert.ok(refusals.length > 0);
  });
});

test("log() - texts of megabytes are sent as they are, and refused for the same reasons as short ones", () => {
  const { recorder, texts, refusals } = open();
  for (const piece of ["x", "€", "😀", '"', "\\ud800", "\ud800", "\ud83d\ude00x"]) {
    for (const end of ["", "\udc00"]) {
      const fields = { action_target: piece.repeat(1_000_000) + end, action_details: { deep: piece.repeat(10_000) } };
      const wanted = expected(tables.action_logs, fields, 1);
      recorder.log("action_logs", { ...context, business_id: "acme" }, { ...fields, seq: 1 });
      assert.ok((texts.pop() ?? refusals.pop()) === wanted, JSON.stringify(piece + end));
    }
  }
});

const nothing: readonly unknown[] = [undefined, null, 5, "text", true, Symbol("s"), () => 1, []];

test("log() and begin() - never throw, whatever stands in the place of the fields", () => {
  const { recorder } = open();
  for (const fields of nothing) {
    for (const name of publishedTables) {
      assert.equal(typeof recorder.log(name, context, fields as object), "string");
      assert.equal(typeof recorder.begin(name, context, fields as object)["log_id"], "string");
    }
  }
});

test("log() - a member that a class inherits counts as left out, and takes no other event's number", () => {
  class Numbered {
    get seq(): number {
      return 7;
    }
  }
  const { recorder, events } = open();
  recorder.log("action_logs", context, {});
  recorder.log("action_logs", context, new Numbered());
  recorder.log("action_logs", context, {});
  assert.deepEqual(
    events().map(({ seq }) => seq),
    [1, 7, 2],
  );
});

const broken: { readonly [what: string]: Hooks } = {
  "a clock that throws": { now: () => assert.fail("clock") },
  "a clock that gives no number": { now: () => Number.NaN },
  "a clock beyond all dates": { now: () => 9e15 },
  "a newId that throws": { newId: () => assert.fail("newId") },
};

for (const [what, hooks] of Object.entries(broken)) {
  test(`log() and begin() - ${what} refuses events, and never throws`, () => {
    const { recorder, texts, refusals } = open(hooks);
    for (let times = 0; times < 2; times += 1) {
      assert.equal(typeof recorder.log("action_logs", context, { action_target: "x" }), "string");
      const begun = recorder.begin("action_logs", context, {}, () => {});
      assert.equal(typeof begun["log_id"], "string");
      assert.equal(typeof begun["action_id"], "string");
    }
    assert.deepEqual(texts, []);
    assert.equal(refusals.length, 4);
  });
}

test("begin() - what completes an event may fail on values that are no values, and the event is refused", () => {
  const { recorder, refusals } = open();
  const event = recorder.begin("action_logs", context, {}, () => assert.fail("a proxy's trap"));
  assert.equal(typeof event["log_id"], "string");
  assert.deepEqual(refusals, ["ERR_UNSERIALIZABLE"]);
});
