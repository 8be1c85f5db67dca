import assert from "node:assert/strict";
import { test } from "node:test";
import { newId } from "@indelible/publisher/identity.ts";

test("newId() - each is a UUIDv7 greater than the one before, also when the clock steps back", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 1_800_000_000_000 });
  let previous = "";
  for (let index = 0; index < 5_000; index += 1) {
    if (index === 2_000) context.mock.timers.setTime(1_800_000_000_001);
    if (index === 3_000) context.mock.timers.setTime(1_700_000_000_000);
    const id = newId();
    assert.ok(id > previous, `${id} after ${previous}`);
    assert.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    previous = id;
  }
});
