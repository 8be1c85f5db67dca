import assert from "node:assert/strict";
import type { FlushResult, Publisher } from "@indelible/publisher";

/** Holds that each event is in exactly one place. */
export function assertAddsUp(log: Publisher, logged: number): void {
  const { acknowledged, queued, inFlight, rejected, refused, refusedByTable, adopted, spooled } = log.stats();
  const counts = { acknowledged, queued, inFlight, rejected, refused };
  const sum = acknowledged + queued + inFlight + rejected + refused;
  assert.equal(sum, logged + adopted, JSON.stringify(counts));
  for (const count of Object.values(counts)) assert.ok(count >= 0, JSON.stringify(counts));
  assert.equal(
    Object.values(refusedByTable).reduce((total, events) => total + events, 0),
    refused,
  );
  assert.ok(spooled <= queued + inFlight);
}

/** Holds that a flush says of each event that was logged before it what became of it. */
export function assertFlushAddsUp(log: Publisher, result: FlushResult, logged: number): void {
  const { rejected, refused, adopted } = log.stats();
  const { acknowledged, spooled, outstanding } = result;
  assert.equal(acknowledged + spooled + outstanding + rejected + refused, logged + adopted, JSON.stringify(result));
}
