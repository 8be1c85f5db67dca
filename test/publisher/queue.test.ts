/** The queue over a disk that fails: what it says is on disk is there, and nothing is counted twice or forgotten. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Pack } from "@indelible/publisher/pack.ts";
import { Queue } from "@indelible/publisher/queue.ts";
import { nodeFiles, type Files } from "@indelible/publisher/spool/files.ts";
import { readRecords, RECORD_PREFIX_BYTES } from "@indelible/publisher/spool/record.ts";
import { Spool } from "@indelible/publisher/spool/spool.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import fc from "fast-check";
import { temporaryFolder } from "./spool/folder.ts";

type Fault = "none" | "write" | "short write" | "write and truncate" | "open";

const broken = (what: string): never => {
  throw Object.assign(new Error(what), { code: "ENOSPC" });
};

/** Node's files, which fail as `fault` says at the moment. */
function failing(state: { fault: Fault }): Files {
  return {
    ...nodeFiles,
    openSync: (path, flags, mode) => (state.fault === "open" ? broken("open") : nodeFiles.openSync(path, flags, mode)),
    writeSync: (fd, bytes, offset, length, position) => {
      if (state.fault === "none" || state.fault === "open") {
        return nodeFiles.writeSync(fd, bytes, offset, length, position);
      }
      if (state.fault === "write") return broken("write");
      // A part of it is there, then it fails.
      if (length < 8) return broken("write");
      return nodeFiles.writeSync(fd, bytes, offset, length >> 1, position);
    },
    ftruncateSync: (fd, bytes) =>
      state.fault === "write and truncate" ? broken("truncate") : nodeFiles.ftruncateSync(fd, bytes),
  };
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("action_logs", "mcp_usage_logs", "tick") },
  { weight: 1, arbitrary: fc.constantFrom<Fault>("none", "write", "short write", "write and truncate", "open") },
  { weight: 1, arbitrary: fc.constantFrom("take", "put back") },
);

const MAX_BYTES = 1_000;

test("Queue - whatever the disk does, each event is in a pack and on disk, or was lost and told", async (context) => {
  const directory = temporaryFolder(context);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, logsWhenTold) => {
      const state: { fault: Fault } = { fault: "none" };
      const folder = join(directory, String((runs += 1)));
      const spool = Spool.open({ directory: folder, maxBytes: MAX_BYTES }, failing(state));
      let logged = 0;
      let lost = 0;
      const add = (table: TableName): void => {
        try {
          queue.add(table, `{"event":${logged}}`);
          logged += 1;
        } catch (error) {
          assert.ok(IndelibleError.is(error) && error.code === "ERR_QUEUE_FULL");
        }
      };
      const queue: Queue = new Queue(
        { maxBatchBytes: 100, maxBatchEvents: 4, maxQueuedBytes: 10_000, maxInFlight: 2, lingerMs: 60_000 },
        spool,
        {
          onReady: () => {},
          onLost: (table, _error, events) => {
            lost += events;
            if (logsWhenTold && logged < 100) add(table);
          },
        },
      );
      const taken: Pack[] = [];
      for (const name of steps) {
        if (name === "action_logs" || name === "mcp_usage_logs") add(name);
        else if (name === "tick") queue.endTick();
        else if (name === "take") taken.push(...[queue.take(() => false)].filter((pack) => pack !== undefined));
        else if (name === "put back") taken.splice(0).forEach((pack) => queue.putBack(pack));
        else state.fault = name as Fault;
      }
      state.fault = "none";
      // What is told of the first may log again.
      for (let ticks = 0; ticks < 3; ticks += 1) queue.endTick();
      queue.closeAll();
      let kept = 0;
      for (const pack of queue.unsettled) {
        assert.equal(pack.isDirty, false);
        assert.equal(pack.events, pack.spooledEvents);
        // A torn end may hold whole records of an append that failed: those are sent, though they were told to be lost.
        assert.ok(readRecords(readFileSync(pack.segment!.path)).events.length >= pack.events);
        kept += pack.events;
      }
      assert.equal(kept + lost, logged);
      for (let pack = queue.take(() => false); pack !== undefined; pack = queue.take(() => false)) taken.push(pack);
      for (const pack of taken) queue.settle(pack, "acknowledged");
      await Promise.all(taken.map(({ segment }) => segment!.remove()));
      assert.deepEqual([queue.unsettled.size, queue.bytes], [0, 0]);
      // Files of packs that came to nothing are removed in the background.
      while (spool.bytes > 0) await setImmediate();
      // Room that was set aside for what was never written would be missing for ever.
      queue.add("action_logs", "x".repeat(MAX_BYTES - RECORD_PREFIX_BYTES - 1));
      queue.endTick();
      assert.equal(spool.bytes, MAX_BYTES);
      spool.close();
    }),
    { numRuns: 200 },
  );
});
