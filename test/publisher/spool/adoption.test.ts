import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { nodeFiles, type Files } from "@indelible/publisher/spool/files.ts";
import { readRecords } from "@indelible/publisher/spool/record.ts";
import { Spool } from "@indelible/publisher/spool/spool.ts";
import type { IndelibleError } from "@indelible/schemas/errors.ts";
import { faultyFiles } from "./faulty-files.ts";
import { bytesIn, temporaryFolder } from "./folder.ts";
import { record } from "./records.ts";

const fail = (error: IndelibleError): never => assert.fail(error);

/** Leaves a folder with a segment for each of `events`. */
function leave(directory: string, events: readonly string[]): void {
  const spool = Spool.open({ directory });
  for (const event of events) spool.createSegment("conversations").append(record(event), 1);
  spool.close();
}

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;
const hasProc = process.platform === "linux";

test("adopt() - holds 100 folders at most, the oldest first, and takes more when some are done", async (context) => {
  const directory = temporaryFolder(context);
  const events = Array.from({ length: 103 }, (_, index) => String(index));
  for (const event of events) leave(directory, [event]);
  const before = hasProc ? openDescriptors() : 0;
  const spool = Spool.open({ directory });
  const found: string[] = [];
  const rounds: number[] = [];
  for (let segments = await spool.adopt(fail); segments.length > 0; segments = await spool.adopt(fail)) {
    rounds.push(segments.length);
    assert.deepEqual(await spool.adopt(fail), []);
    if (hasProc) assert.ok(openDescriptors() <= before + 110);
    for (const segment of segments) {
      found.push(...readRecords(await segment.read()).events);
      await segment.remove();
    }
  }
  assert.deepEqual(rounds, [100, 3]);
  assert.deepEqual(found, events);
  spool.close();
  if (hasProc) assert.equal(openDescriptors(), before);
  assert.deepEqual(readdirSync(directory), ["quarantine", "rejected"]);
});

test("adopt() - called twice at once, it gives each segment once", async (context) => {
  const directory = temporaryFolder(context);
  leave(directory, ["1", "2"]);
  leave(directory, ["3"]);
  const spool = Spool.open({ directory });
  const [first, second] = await Promise.all([spool.adopt(fail), spool.adopt(fail)]);
  assert.deepEqual([first.length, second.length], [3, 0]);
  spool.close();
});

test("adopt() - reports a segment that cannot be read, gives the others, and tries again the next time", async (context) => {
  const directory = temporaryFolder(context);
  leave(directory, ["1", "2", "3"]);
  const { files } = faultyFiles([{ call: "reader.read", index: 2, mode: "before", code: "EIO", lasts: false }]);
  const spool = Spool.open({ directory }, files);
  const problems: IndelibleError[] = [];
  const segments = await spool.adopt((error) => problems.push(error));
  assert.deepEqual(
    segments.map(({ name }) => name.slice(0, 10)),
    ["0000000001", "0000000003"],
  );
  assert.deepEqual(
    problems.map(({ code, message }) => [code, message.includes("0000000002"), message.includes("EIO")]),
    [["ERR_SPOOL", true, true]],
  );
  for (const segment of segments) await segment.remove();
  assert.equal(spool.bytes, 0);
  const [last] = await spool.adopt(fail);
  assert.equal(last!.name.slice(0, 10), "0000000002");
  assert.equal(spool.bytes, bytesIn(directory));
  spool.close();
});

test("adopt() - goes on when whoever is told of a problem throws", async (context) => {
  const directory = temporaryFolder(context);
  leave(directory, ["1", "2"]);
  const { files } = faultyFiles([{ call: "reader.read", index: 0, mode: "before", code: "EIO", lasts: false }]);
  const spool = Spool.open({ directory }, files);
  assert.equal((await spool.adopt(fail)).length, 1);
  spool.close();
});

test("adopt() - an empty segment is adopted like any other, and one that was removed by hand is not", async (context) => {
  const directory = temporaryFolder(context);
  leave(directory, ["1", "2"]);
  const files: Files = {
    ...nodeFiles,
    open: async (path) => {
      if (path.includes("0000000001")) nodeFiles.unlinkSync(path);
      else nodeFiles.closeSync(nodeFiles.openSync(path, "w", 0o600));
      return nodeFiles.open(path);
    },
  };
  const spool = Spool.open({ directory }, files);
  const segments = await spool.adopt(fail);
  assert.deepEqual(
    segments.map(({ events, bytes }) => [events, bytes]),
    [[0, 0]],
  );
  assert.equal((await segments[0]!.read()).length, 0);
  spool.close();
});

test("close() - while it adopts: what was claimed is the next one's", async (context) => {
  const directory = temporaryFolder(context);
  for (const event of ["1", "2", "3"]) leave(directory, [event]);
  const counting = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let opened = 0;
  const files: Files = {
    ...nodeFiles,
    open: async (path) => {
      opened += 1;
      if (opened === 2) {
        counting.resolve();
        await closed.promise;
      }
      return nodeFiles.open(path);
    },
  };
  const spool = Spool.open({ directory }, files);
  const adopting = spool.adopt(fail);
  await counting.promise;
  spool.close();
  closed.resolve();
  assert.deepEqual(await adopting, []);
  assert.deepEqual(await spool.adopt(fail), []);
  const next = Spool.open({ directory });
  assert.equal((await next.adopt(fail)).length, 3);
  next.close();
});

test("close() - while a segment is being removed: its folder is nobody else's until it is gone", async (context) => {
  const directory = temporaryFolder(context);
  leave(directory, ["1", "2"]);
  const removing = Promise.withResolvers<void>();
  const files: Files = {
    ...nodeFiles,
    unlink: async (path) => {
      await removing.promise;
      await nodeFiles.unlink(path);
    },
  };
  const spool = Spool.open({ directory }, files);
  const [first, second] = await spool.adopt(fail);
  const removed = first!.remove();
  spool.close();
  const next = Spool.open({ directory });
  assert.deepEqual(await next.adopt(fail), []);
  removing.resolve();
  await removed;
  assert.deepEqual(
    (await next.adopt(fail)).map(({ name }) => name),
    [second!.name],
  );
  await assert.rejects(second!.remove(), { code: "ERR_SPOOL", message: /closed/ });
  await assert.rejects(second!.read(), { code: "ERR_SPOOL", message: /closed/ });
  await first!.remove();
  next.close();
});
