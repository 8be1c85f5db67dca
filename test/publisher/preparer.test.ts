import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { background } from "@indelible/publisher/background/background.ts";
import { Counts } from "@indelible/publisher/counts.ts";
import { Pack } from "@indelible/publisher/pack.ts";
import { Preparer } from "@indelible/publisher/preparer.ts";
import { Rejections } from "@indelible/publisher/rejections.ts";
import { Reports } from "@indelible/publisher/reports.ts";
import { Spool } from "@indelible/publisher/spool/spool.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";

test("prepare() - an event that is damaged is counted once, though what is held back beside it can be kept only later", async () => {
  const directory = await mkdtemp(join(tmpdir(), "indelible-preparer-"));
  const spool = Spool.open({ directory });
  background.open();
  try {
    const pack = new Pack("action_logs", spool.createSegment("action_logs"));
    for (const target of ["a", "b", "c"]) pack.add(`{"action_target":"${target}"}`, 1_000_000);
    pack.spool();
    pack.segment!.seal();
    pack.release();
    const bytes = await readFile(pack.segment!.path);
    bytes[12]! ^= 1;
    await writeFile(pack.segment!.path, bytes);
    // Of the two that can be read.
    pack.held.set(0, "held back");

    const counts = new Counts();
    const reports = new Reports(() => {});
    const rejections = new Rejections(spool, counts, reports);
    let isFull = true;
    const hold = rejections.hold.bind(rejections);
    rejections.hold = async (...held) => {
      if (isFull) throw new IndelibleError("ERR_SPOOL", "the disk is full");
      await hold(...held);
    };
    const settings = { id: 0, redaction: false, compression: "none" } as const;
    const preparer = new Preparer({ settings, spool, rejections, counts, reports });
    await assert.rejects(preparer.prepare(pack), { code: "ERR_SPOOL" });
    isFull = false;
    assert.equal((await preparer.prepare(pack)).events, 1);
    assert.deepEqual([counts.refused, counts.rejected, pack.outstanding], [1, 1, 1]);
  } finally {
    await background.close();
    spool.close();
    await rm(directory, { recursive: true });
  }
});
