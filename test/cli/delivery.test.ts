import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { awaitArrival } from "../../cli/delivery/arrival.ts";
import type { Entry } from "../../cli/delivery/entries.ts";
import { Manifest } from "../../cli/delivery/manifest.ts";
import { publish } from "../../cli/delivery/publication.ts";
import { reportOn } from "../../cli/delivery/report.ts";
import { sampleDay } from "../../cli/sample/day.ts";
import { openFixture } from "../publisher/recording-transport.ts";
import { WarehouseDouble } from "./warehouse-double.ts";

const { signal } = new AbortController();
const day = sampleDay("2026-01-31");
const ids = new Set(day.map(({ event }) => event.log_id));

function publishing(entries: readonly Entry[], warehouse: WarehouseDouble): Promise<Manifest> {
  return publish(entries, openFixture().log, warehouse, { stallMs: 60_000, signal, onProgress: () => {} });
}

function manifestOf(...logIds: readonly string[]): Manifest {
  const manifest = new Manifest();
  for (const logId of logIds) manifest.add("conversations", logId, false);
  return manifest;
}

const scope = { since: new Date(0), alone: true };

describe("publish()", () => {
  it("sends every entry, and notes what was there before and what comes twice", async () => {
    const warehouse = new WarehouseDouble();
    const [known] = day;
    assert.ok(known !== undefined);
    warehouse.store(known.table, known.event.log_id);
    const { log, transport } = openFixture();
    const manifest = await publish(day, log, warehouse, { stallMs: 60_000, signal, onProgress: () => {} });
    const sent = transport.acknowledged.reduce((sum, { text }) => sum + text.split("\n").length, 0);
    assert.equal(sent, day.length);
    assert.equal(manifest.events, day.length);
    const items = [...manifest.items.values()].flatMap((table) => [...table]);
    assert.deepEqual(new Set(items.map(([logId]) => logId)), ids);
    assert.deepEqual(
      items.filter(([, { wasThere }]) => wasThere).map(([logId]) => logId),
      [known.event.log_id],
    );
    assert.equal(items.filter(([, { times }]) => times === 2).length, 1);
  });

  it("gives up when Pub/Sub acknowledges nothing any more", async () => {
    const { log } = openFixture({ answer: () => Promise.reject(new Error("away")) });
    const failing = publish(day, log, new WarehouseDouble(), { stallMs: 10, signal, onProgress: () => {} });
    await assert.rejects(failing, { code: "ERR_PUBLISH" });
    await log.close({ deadlineMs: 1 });
  });
});

describe("awaitArrival()", () => {
  it("waits until each entry is in the history or a dead letter, and ignores dead letters of earlier runs", async () => {
    const warehouse = new WarehouseDouble();
    warehouse.bury("conversations", "b", "earlier");
    const manifest = manifestOf("a", "b");
    manifest.earlierDeadLetters.add("earlier");
    let questions = 0;
    warehouse.onQuestion = () => {
      questions += 1;
      if (questions === 3) warehouse.store("conversations", "a");
      if (questions === 6) warehouse.bury("conversations", "b", "new");
    };
    const progress: string[] = [];
    const onProgress = (arrived: number, total: number): number => progress.push(`${arrived}/${total}`);
    await awaitArrival(manifest, warehouse, { stallMs: 60_000, signal, onProgress });
    assert.equal(progress.at(-1), "2/2");
    assert.ok(questions >= 6);
  });

  it("returns when nothing arrives any more", async () => {
    await awaitArrival(manifestOf("a"), new WarehouseDouble(), { stallMs: 0, signal, onProgress: () => {} });
  });

  it("ends when it is interrupted", async () => {
    const interrupted = AbortSignal.abort();
    const waiting = awaitArrival(manifestOf("a"), new WarehouseDouble(), {
      stallMs: 60_000,
      signal: interrupted,
      onProgress: () => {},
    });
    await assert.rejects(waiting, { name: "AbortError" });
  });
});

describe("reportOn()", () => {
  it("a run whose entries are all there is complete", async () => {
    const warehouse = new WarehouseDouble();
    const manifest = await publishing(day, warehouse);
    for (const { table, event } of day) {
      warehouse.store(table, event.log_id);
      warehouse.appeared.push({ table, logId: event.log_id, publisherId: event.publisher_id });
    }
    const report = await reportOn(manifest, warehouse, scope);
    assert.ok(report.complete);
    assert.deepEqual(report.totals, {
      published: day.length,
      rows: day.length - 1,
      duplicates: 1,
      deadLetters: 0,
      missing: 0,
      extra: 0,
    });
    assert.deepEqual(report.hashes, { checked: ids.size, right: ids.size });
  });

  it("names what is missing, what has a wrong hash and what is contradicted", async () => {
    const warehouse = new WarehouseDouble();
    warehouse.store("conversations", "b", { entry: "{}", entry_hash: "0" });
    warehouse.store("conversations", "c", { conflict: true });
    const report = await reportOn(manifestOf("a", "b", "c"), warehouse, scope);
    assert.equal(report.complete, false);
    assert.deepEqual(report.missing, ["a"]);
    assert.deepEqual(report.wrongHashes, ["b"]);
    assert.deepEqual(report.conflicting, ["c"]);
    assert.deepEqual(report.hashes, { checked: 2, right: 1 });
  });

  it("groups dead letters by reason", async () => {
    const warehouse = new WarehouseDouble();
    warehouse.bury("conversations", "a", "1");
    warehouse.bury("conversations", "b", "2");
    const report = await reportOn(manifestOf("a", "b"), warehouse, scope);
    assert.equal(report.totals.deadLetters, 2);
    assert.deepEqual(report.deadLetters, [
      { table: "conversations", reason: "ERR_INVALID_EVENT", detail: "broken", count: 2 },
    ]);
  });

  it("what others wrote meanwhile is extra only when nobody else was to write", async () => {
    const warehouse = new WarehouseDouble();
    warehouse.store("conversations", "a");
    warehouse.appeared.push({ table: "action_logs", logId: "x", publisherId: "somebody" });
    const alone = await reportOn(manifestOf("a"), warehouse, scope);
    assert.deepEqual([alone.complete, alone.totals.extra], [false, 1]);
    const among = await reportOn(manifestOf("a"), warehouse, { ...scope, alone: false });
    assert.deepEqual([among.complete, among.totals.extra], [true, 0]);
  });

  it("what the warehouse tells of the reads that a report takes is never extra", async () => {
    const warehouse = new WarehouseDouble();
    warehouse.store("conversations", "a");
    warehouse.appeared.push({ table: "log_access_audit", logId: "x", publisherId: "" });
    assert.equal((await reportOn(manifestOf("a"), warehouse, scope)).complete, true);
  });
});
