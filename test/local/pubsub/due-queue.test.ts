import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DueQueue, type Due } from "../../../local/pubsub/due-queue.ts";

test("DueQueue - is always led by the earliest of what was put, moved and not removed", () => {
  const step = fc.tuple(fc.constantFrom("put", "remove"), fc.nat(20), fc.nat(50));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const items: Due[] = Array.from({ length: 21 }, () => ({ dueMs: 0, position: -1 }));
      const queue = new DueQueue<Due>();
      const inside = new Set<Due>();
      for (const [what, index, dueMs] of steps) {
        const item = items[index]!;
        if (what === "put") {
          queue.put(item, dueMs);
          inside.add(item);
        } else {
          queue.remove(item);
          inside.delete(item);
        }
        const earliest = Math.min(...[...inside].map((due) => due.dueMs));
        assert.equal(queue.first?.dueMs ?? Infinity, earliest);
      }
    }),
  );
});
