/** What the machine gives and refuses: rights, disk space, descriptors, an older Node. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readRecords } from "@indelible/publisher/spool/record.ts";
import { Spool, type Segment } from "@indelible/publisher/spool/spool.ts";
import type { IndelibleError } from "@indelible/schemas/errors.ts";
import { bytesIn, temporaryFolder } from "./folder.ts";
import { record, records } from "./records.ts";

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** Root may do anything: what rights refuse is seen as somebody else. */
async function asNobody(folder: string, work: () => unknown): Promise<void> {
  if (!isRoot) return void (await work());
  chownSync(folder, NOBODY, NOBODY);
  process.seteuid!(NOBODY);
  try {
    await work();
  } finally {
    process.seteuid!(0);
  }
}

test("rights - every folder is 0700 and every file 0600, whatever the umask", async (context) => {
  const directory = join(temporaryFolder(context), "a", "b");
  const umask = process.umask(0);
  context.after(() => process.umask(umask));
  const spool = Spool.open({ directory });
  const segment = spool.createSegment("conversations");
  segment.append(record("{}"), 1);
  spool.keepRejectedSync({ table: "conversations", code: "ERR_TOO_LARGE", message: "m", event: "{}" });
  await spool.keepDamaged(segment, [{ offset: 0, bytes: Buffer.from("x") }]);
  const entries = readdirSync(join(directory, "../.."), { recursive: true, withFileTypes: true });
  assert.equal(entries.length, 9);
  for (const entry of entries) {
    const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o777;
    assert.equal(mode, entry.isDirectory() ? 0o700 : 0o600, entry.name);
  }
  spool.close();
});

test("rights - a directory that cannot be written, or whose folders are another account's, is refused", async (context) => {
  const folder = temporaryFolder(context);
  const readOnly = join(folder, "read-only");
  const foreign = join(folder, "foreign");
  mkdirSync(readOnly, { mode: 0o555 });
  mkdirSync(foreign);
  mkdirSync(join(foreign, "rejected"), { mode: 0o500 });
  chmodSync(foreign, 0o777);
  await asNobody(folder, () => {
    for (const directory of [readOnly, join(readOnly, "below"), foreign]) {
      assert.throws(() => Spool.open({ directory }), { code: "ERR_CONFIG", hint: /account/ });
    }
  });
  assert.deepEqual(readdirSync(foreign), ["rejected"]);
});

test("rights - a dead instance's folder that may not be read is reported, and the others are adopted", async (context) => {
  const folder = temporaryFolder(context);
  await asNobody(folder, async () => {
    const directory = join(folder, "spool");
    const folders = ["1", "2"].map((event) => {
      const spool = Spool.open({ directory });
      const segment = spool.createSegment("conversations");
      segment.append(record(event), 1);
      spool.close();
      return join(segment.path, "..");
    });
    chmodSync(folders[0]!, 0);
    const spool = Spool.open({ directory });
    const problems: IndelibleError[] = [];
    assert.equal((await spool.adopt((error) => problems.push(error))).length, 1);
    assert.deepEqual(
      problems.map(({ code, message }) => [code, message.includes(folders[0]!)]),
      [["ERR_SPOOL", true]],
    );
    chmodSync(folders[0]!, 0o700);
    assert.equal((await spool.adopt((error) => assert.fail(error))).length, 1);
    spool.close();
  });
});

/** A file system of 128 KiB, if this process may mount one. */
function smallDisk(folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=128k", "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("disk full - what was appended is there, what was refused is not, and it goes on when there is room", async (context) => {
  const disk = join(temporaryFolder(context), "disk");
  mkdirSync(disk);
  if (!smallDisk(disk)) return context.skip("no tmpfs can be mounted here");
  try {
    const spool = Spool.open({ directory: join(disk, "spool") });
    const kept = new Map<Segment, string[]>();
    let refused = 0;
    for (let index = 0; refused < 5; index += 1) {
      const segment = [...kept.keys()].at(-1) ?? spool.createSegment("conversations");
      // Of lengths that fill no page, so that the last write is short.
      const events = [`"${index}${"x".repeat(7_001)}"`, `"${index}"`];
      kept.set(segment, kept.get(segment) ?? []);
      try {
        segment.append(records(events), 2);
        kept.get(segment)!.push(...events);
      } catch (error) {
        refused += 1;
        assert.equal((error as IndelibleError).code, "ERR_SPOOL");
        assert.match((error as IndelibleError).message, /ENOSPC/);
        kept.set(spool.createSegment("conversations"), []);
      }
      assert.equal(spool.bytes, bytesIn(spool.directory));
    }
    const first = [...kept.keys()][0]!;
    const rejection = {
      table: "conversations",
      code: "ERR_TOO_LARGE",
      message: "m",
      event: `"${"x".repeat(9_000)}"`,
    } as const;
    assert.throws(() => spool.keepRejectedSync(rejection), { code: "ERR_SPOOL" });
    await assert.rejects(spool.keepDamaged(first, [{ offset: 0, bytes: Buffer.alloc(90_000) }]), { code: "ERR_SPOOL" });
    assert.equal(spool.bytes, bytesIn(spool.directory));
    for (const [segment, events] of kept) assert.deepEqual(readRecords(await segment.read()).events, events);
    await first.remove();
    await spool.keepRejected(rejection);
    assert.equal(spool.bytes, bytesIn(spool.directory));
    spool.close();
  } finally {
    execFileSync("umount", [disk]);
  }
});

test("open() - a Node without node:sqlite is refused with a hint, and loads the publisher all the same", (context) => {
  const directory = temporaryFolder(context);
  const source = `
    import { Spool } from "@indelible/publisher/spool/spool.ts";
    try { Spool.open({ directory: process.argv[1] }); } catch (error) { console.log(error.code, error.hint); }`;
  const printed = execFileSync(
    process.execPath,
    ["--no-experimental-sqlite", "--input-type=module", "--eval", source, directory],
    { cwd: fileURLToPath(new URL("../../..", import.meta.url)), encoding: "utf8" },
  );
  assert.deepEqual(readdirSync(directory), []);
  assert.match(printed, /^ERR_CONFIG .*Node 22\.13/);
});
