import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { deadLetterEntries } from "@indelible/subscriber/dead-letter-entry.ts";
import { deadLetterMessages } from "@indelible/subscriber/dead-letter-message.ts";
import { decode, type Fault } from "@indelible/subscriber/decode.ts";
import { hash } from "@indelible/subscriber/hash.ts";
import { validate } from "@indelible/subscriber/validate.ts";

const spec = readFileSync(new URL("../SPEC.md", import.meta.url), "utf8");

describe("SPEC.md", () => {
  it("has test vectors for entry and hash that the code agrees with", () => {
    const [event = "", entry] = [...spec.matchAll(/```json\n(.*)\n```/g)].map((match) => match[1] ?? "");
    const digest = /Hash: `([0-9a-f]{64})`/.exec(spec)?.[1];
    const message = { id: "17", publishedAt: 0, data: Buffer.from(event), attributes: {} };
    const faults: Fault[] = [];
    const [made] = hash(
      "conversations",
      message,
      validate("conversations", decode(message, faults).lines, faults),
      faults,
    );
    assert.deepEqual(faults, []);
    assert.equal(made?.entry, entry);
    assert.equal(made?.entryHash, digest);
  });

  it("has test vectors for dead letters and replays that the code agrees with", () => {
    const uuidAfter = (text: string): string | undefined =>
      new RegExp(`\\| ${text} \\| \`([0-9a-f-]{36})\` \\|`).exec(spec)?.[1];
    const logId = uuidAfter("the event's `log_id`, at first and in every replay");
    const message = { id: "17", publishedAt: 0, data: Buffer.alloc(0), attributes: {} };
    const fault: Fault = { index: 3, data: Buffer.alloc(2_000_000, " "), code: "ERR_NOT_JSON", detail: "" };
    const rows = deadLetterMessages("conversations", message, fault).flatMap((one) =>
      deadLetterEntries({ id: "18", publishedAt: 0, ...one }),
    );
    assert.deepEqual(
      rows.map((row) => row.logId),
      [uuidAfter("`dead_letter_id`, also of the first of several parts"), uuidAfter("`log_id` of its second part")],
    );
    assert.equal(rows[0]?.event["source_log_id"], logId);

    const event = {
      conversation_id: "c1",
      business_id: "acme",
      agent_position: "CFO",
      started_at: "2026-01-31T09:30:00Z",
    };
    const replay = {
      ...message,
      id: "19",
      attributes: {
        "indelible.replay_of": String(rows[0]?.logId),
        "indelible.message_id": "17",
        "indelible.index": "3",
      },
    };
    const faults: Fault[] = [];
    const lines = [{ index: 0, text: JSON.stringify(event) }];
    const [entry] = hash("conversations", replay, validate("conversations", lines, faults), faults);
    assert.equal(entry?.logId, logId);
  });
});
