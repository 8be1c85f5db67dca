import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { derivedId } from "@indelible/schemas/entry.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { seededRandom } from "../../local/random.ts";
import { select } from "../../cli/dlq/survey.ts";
import { DeadLetterWarehouse } from "../../cli/dlq/warehouse.ts";
import { rowsOf } from "../../cli/warehouse.ts";
import { shuffled } from "../chaos/monkey.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";

const start = Date.parse("2026-02-01T00:00:00Z") * 1000;

interface Buried {
  readonly id: string;
  readonly data: string | Buffer;
  readonly attributes: { readonly [name: string]: string };
  /** What the view is to say. */
  readonly expected: { readonly [column: string]: unknown };
}

/** SPEC.md §7: what the subscriber sends to the dead-letter topic, and the identity that it gets there. */
function letter(n: number, data: string | Buffer, more: { index?: number; replayOf?: string } = {}): Buried {
  const publishedAt = formatTimestamp(start + n * 1_000_000);
  const messageId = `source-${n}`;
  const detail = `/confidence_level must be <= 1, message "${n}"`;
  const expected = {
    source_table: "thinking_logs",
    reason: "ERR_INVALID_EVENT",
    reason_detail: detail,
    pattern: "/confidence_level must be <= <n>, message <name>",
    source_message_id: messageId,
    source_index: more.index ?? null,
    replay_of: more.replayOf ?? null,
    parts: null,
    business_id: null,
    agent: null,
    publisher_id: null,
  };
  return {
    id: derivedId("dead-letter", "thinking_logs", messageId, String(more.index ?? "")),
    data,
    attributes: {
      "indelible.reason": "ERR_INVALID_EVENT",
      "indelible.detail": detail,
      "indelible.table": "thinking_logs",
      "indelible.message_id": messageId,
      "indelible.published_at": publishedAt,
      ...(more.index !== undefined && { "indelible.index": String(more.index) }),
      ...(more.replayOf !== undefined && {
        "indelible.replay_of": more.replayOf,
        "indelible.origin_message_id": "origin",
      }),
    },
    expected,
  };
}

function withExpected(buried: Buried, more: Buried["expected"]): Buried {
  return { ...buried, expected: { ...buried.expected, ...more } };
}

function letters(): Buried[] {
  const all: Buried[] = [];
  const sent = { business_id: "acme", agent: "CFO", publisher_id: "p1" };
  const thought = JSON.stringify({ business_id: "acme", agent_position: "CFO", publisher_id: "p1", seq: 1 });
  for (let n = 0; n < 30; n += 1) all.push(withExpected(letter(n, thought, { index: n % 3 }), sent));
  // By the other name that agents have in a table; one that is too long, or none, or of another type.
  const others = [
    [{ source_agent: "CMO" }, { agent: "CMO" }],
    [{ business_id: "b".repeat(5000) }, { business_id: "b".repeat(256) }],
    [{ business_id: ["acme"], publisher_id: 7 }, { publisher_id: "7" }],
  ] as const;
  for (const [index, [event, expected]] of others.entries())
    all.push(withExpected(letter(30 + index, JSON.stringify(event), { index: 0 }), expected));
  all.push(letter(40, `${thought}\n${thought}`), letter(41, Buffer.from([0xff, 0xfe])), letter(42, "no JSON"));
  // 1 MiB is the most that one row holds.
  for (const n of [50, 51])
    all.push(withExpected(letter(n, JSON.stringify({ long: "é".repeat(1_100_000) }), { index: 0 }), { parts: 3 }));
  return all;
}

describe("dead letters that are open, delivered twice, in parts, and reviewed before and after they came", () => {
  let warehouse: RawWarehouse;
  const first = letters();
  const reviewed = new Map(
    first.filter((_, n) => n % 3 === 1).map(({ id }, n) => [id, n % 2 === 0 ? "replay" : "discard"]),
  );
  const failedAgain = [...reviewed]
    .filter(([, decision]) => decision === "replay")
    .slice(0, 4)
    .map(([id], n) => letter(60 + n, "{}", { replayOf: id }));
  // A replay that failed again may be discarded itself.
  const lastFailure = failedAgain.at(-1);
  if (lastFailure !== undefined) reviewed.set(lastFailure.id, "discard");
  const all = [...first, ...failedAgain];

  before(async () => {
    warehouse = await RawWarehouse.open("open-dead-letters-test");
    const random = seededRandom(5, "open-dead-letters");
    const review = (id: string, decision: string, n: number): Promise<void> =>
      warehouse.write("dead_letter_reviews", start + (100 + n) * 1_000_000, {
        review_id: `${id}-${n}`,
        dead_letter_id: id,
        reviewed_at: formatTimestamp(start),
        reviewer: "ops",
        decision,
      });
    const steps = all.flatMap(({ id, data, attributes }, n) => {
      const decision = reviewed.get(id);
      const bury = (): Promise<void> => warehouse.bury(start + n * 1_000_000, data, attributes);
      return [
        bury,
        ...(n % 4 === 0 ? [bury] : []),
        ...(decision === undefined ? [] : [() => review(id, decision, n)]),
        ...(decision !== undefined && n % 2 === 0 ? [() => review(id, "replay", n + 1000)] : []),
      ];
    });
    for (const step of shuffled(steps, random)) await step();
  });
  after(() => warehouse?.close());

  it("are in dead_letters_open once each, with what is known of them, and the others are not", async () => {
    const rows = await rowsOf(warehouse, {
      query: "SELECT *, UNIX_SECONDS(CURRENT_TIMESTAMP()) AS now FROM dead_letters_open",
    });
    const open = all.filter(({ id }) => !reviewed.has(id));
    const found = rows.map(
      ({ dead_letter_id, log_id, age_seconds, now, source_published_at, source_log_id, ...row }) => {
        assert.equal(log_id, dead_letter_id);
        assert.equal(source_log_id, null);
        const age = Number(now) - Date.parse(String(source_published_at)) / 1000;
        assert.equal(age_seconds, age);
        return [dead_letter_id, row];
      },
    );
    assert.deepEqual(Object.fromEntries(found), Object.fromEntries(open.map(({ id, expected }) => [id, expected])));
    assert.equal(rows.length, open.length);
    assert.ok(open.some(({ expected }) => expected["replay_of"] !== null));
    assert.ok(open.some(({ expected }) => expected["parts"] === 3));
  });

  it("are those that `indelible dlq list --state open` shows", async () => {
    const reader = new DeadLetterWarehouse(warehouse, { deadlineMs: 1000 });
    const listed = await select(reader, { filter: {}, states: ["open"], limit: 1000, newestFirst: false });
    const rows = await rowsOf(warehouse, {
      query: "SELECT dead_letter_id FROM dead_letters_open ORDER BY source_published_at, dead_letter_id",
    });
    assert.deepEqual(
      rows.map((row) => row["dead_letter_id"]),
      listed.map((one) => one.letter.id),
    );
  });
});
