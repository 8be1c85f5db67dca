import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Deliveries } from "./deliveries.ts";
import type { ExpectedEvent } from "./published.ts";
import { traffic } from "./traffic.ts";

const options = { seed: 5, events: 20_000, maxEventsPerMessage: 50 };

describe("traffic()", () => {
  it("is the same for the same seed and another for another", () => {
    const few = { ...options, events: 500 };
    assert.deepEqual([...traffic(few)], [...traffic(few)]);
    assert.notDeepEqual([...traffic({ ...few, seed: 6 })], [...traffic(few)]);
  });

  it("has duplicates, conflicts, events without a log_id, and bad events of every kind", () => {
    const hashes = new Map<string, Set<string>>();
    const kinds = new Map<string, number>();
    let duplicates = 0;
    const take = (event: ExpectedEvent): void => {
      kinds.set(event.kind, (kinds.get(event.kind) ?? 0) + 1);
      if (event.kind === "fault") kinds.set(event.reason, (kinds.get(event.reason) ?? 0) + 1);
      if (event.kind !== "entry") return;
      const known = hashes.get(event.logId) ?? new Set();
      if (known.has(event.entryHash)) duplicates += 1;
      hashes.set(event.logId, known.add(event.entryHash));
    };
    for (const { events } of traffic(options)) events.forEach(take);
    const conflicts = hashes.values().reduce((sum, known) => sum + Number(known.size > 1), 0);
    assert.ok(duplicates > 100 && conflicts > 100, `${duplicates} duplicates, ${conflicts} conflicts`);
    const expected = ["entry", "anonymous", "fault", "ERR_NOT_JSON", "ERR_UNKNOWN_FIELD", "ERR_INVALID_EVENT"];
    expected.push("ERR_DUPLICATE_KEY", "ERR_LOSSY_NUMBER", "ERR_LONE_SURROGATE", "ERR_NOT_UTF8", "ERR_TOO_DEEP");
    expected.push("ERR_EMPTY", "ERR_UNKNOWN_ENCODING", "ERR_CORRUPT_DATA");
    assert.deepEqual([...kinds.keys()].toSorted(), expected.toSorted());
  });
});

describe("Deliveries", () => {
  it("counts each message once a push, wherever the chunks are cut", () => {
    const push = (id: string): string =>
      `POST /t HTTP/1.1\r\n\r\n{"message":{"data":"e30=","attributes":{},"messageId":"${id}","message_id":"${id}"}}`;
    const bytes = Buffer.from(["1795516495776000", "1795516495776001", "1795516495776000"].map(push).join(""));
    for (let size = 1; size <= bytes.length; size += 1) {
      const deliveries = new Deliveries(() => {});
      const read = deliveries.reader();
      for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size));
      assert.deepEqual(
        [deliveries.total, deliveries.messages, deliveries.of("1795516495776000"), deliveries.of("1795516495776001")],
        [3, 2, 2, 1],
        `chunks of ${size} bytes`,
      );
    }
  });
});
