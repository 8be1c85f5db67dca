import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fuzz } from "./fuzz.ts";

describe("mutated messages", () => {
  it("are accepted or dead-lettered with a reason, event by event; none makes the subscriber throw", async () => {
    const { messages, accepted, deadLettered } = await fuzz({ messages: 30_000, seed: 1 });
    assert.equal(messages, 30_000);
    assert.ok(accepted > 10_000, "enough of them are whole");
    // Otherwise the mutations would not reach what they are to test.
    const reached = [
      "ERR_NOT_JSON",
      "ERR_INVALID_EVENT",
      "ERR_UNKNOWN_FIELD",
      "ERR_NOT_UTF8",
      "ERR_CORRUPT_DATA",
      "ERR_LOSSY_NUMBER",
    ];
    for (const code of reached) assert.ok((deadLettered[code] ?? 0) > 0, code);
  });
});
