import assert from "node:assert/strict";
import { test } from "node:test";
import { Backlog } from "../../../local/bigquery/backlog.ts";

test("Backlog - who finds it full waits in order, and enters when there is room", async () => {
  const backlog = new Backlog(100);
  const order: string[] = [];
  const enter = async (name: string, bytes: number): Promise<void> => {
    await backlog.enter(bytes, 60_000);
    order.push(name);
  };
  await enter("first", 60);
  const second = enter("second", 60);
  const third = enter("third", 10);
  assert.deepEqual(order, ["first"]);
  backlog.leave(60);
  await Promise.all([second, third]);
  assert.deepEqual(order, ["first", "second", "third"]);
});

test("Backlog - one that is larger than all of it enters when it is empty", async () => {
  const backlog = new Backlog(100);
  await backlog.enter(500, 60_000);
  await assert.rejects(backlog.enter(1, 1), { reason: "backendError" });
  backlog.leave(500);
  await backlog.enter(1, 60_000);
});
