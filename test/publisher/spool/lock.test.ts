import assert from "node:assert/strict";
import { mkdirSync, readdirSync, renameSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { nodeFiles, type Files } from "@indelible/publisher/spool/files.ts";
import { InstanceFolder } from "@indelible/publisher/spool/instance-folder.ts";
import { tryLock } from "@indelible/publisher/spool/lock.ts";
import { Spool } from "@indelible/publisher/spool/spool.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { temporaryFolder } from "./folder.ts";

test("tryLock() - is given once, and again when it was given up; the file stays empty and alone", (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, "lock");
  const lock = tryLock(path);
  assert.ok(lock);
  assert.equal(tryLock(path), undefined);
  assert.equal(tryLock(path), undefined);
  assert.deepEqual(readdirSync(folder), ["lock"]);
  lock.release();
  const again = tryLock(path);
  assert.ok(again);
  again.release();
  assert.deepEqual(readdirSync(folder), ["lock"]);
  assert.equal(statSync(path).size, 0);
});

test("tryLock() - goes by the file, not by the path to it, whatever characters that has", (context) => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, "a?mode=ro#%20 é"));
  symlinkSync(join(folder, "a?mode=ro#%20 é"), join(folder, "b"));
  const lock = tryLock(join(folder, "a?mode=ro#%20 é", "lock"));
  assert.ok(lock);
  assert.equal(tryLock(join(folder, "b", "lock")), undefined);
  assert.deepEqual(readdirSync(join(folder, "b")), ["lock"]);
  lock.release();
});

test("tryLock() - is not kept from its one winner by others who have begun to ask for it", (context) => {
  const path = join(temporaryFolder(context), "lock");
  const asking = new DatabaseSync(path);
  // The first step to SQLite's lock, at which those who ask at once may all stand.
  asking.exec("BEGIN; SELECT * FROM sqlite_schema");
  const lock = tryLock(path);
  assert.ok(lock);
  assert.throws(() => asking.exec("CREATE TABLE t (c)"), /locked/);
  asking.close();
  assert.equal(tryLock(path), undefined);
  lock.release();
});

test("tryLock() - a lock that nobody refers to any more is held all the same", (context) => {
  const path = join(temporaryFolder(context), "lock");
  assert.ok(tryLock(path));
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  assert.equal(tryLock(path), undefined);
});

/** The file system, where something happens at the first attempt to take a lock. */
function interfering(lockFirst: (path: string) => ReturnType<Files["lock"]>): Files {
  let attempts = 0;
  return { ...nodeFiles, lock: (path) => ((attempts += 1) === 1 ? lockFirst(path) : tryLock(path)) };
}

const claim = (path: string): InstanceFolder => {
  const [instance, directory] = [path.split("/").at(-2)!, join(path, "../..")];
  return InstanceFolder.claim(nodeFiles, directory, instance) ?? assert.fail();
};

test("open() - takes another UUID when somebody else gets the lock of its folder first", (context) => {
  const directory = temporaryFolder(context);
  let other: InstanceFolder | undefined;
  const files = interfering((path) => {
    other = claim(path);
    return tryLock(path);
  });
  const spool = Spool.open({ directory }, files);
  other!.giveUp();
  assert.equal(readdirSync(directory).length, 3);
  spool.close();
  assert.deepEqual(readdirSync(directory), ["quarantine", "rejected"]);
});

test("open() - takes another UUID when somebody else has removed its folder for a dead one's", (context) => {
  const directory = temporaryFolder(context);
  const files = interfering((path) => {
    claim(path).giveUp();
    return tryLock(path);
  });
  Spool.open({ directory }, files).close();
  assert.deepEqual(readdirSync(directory), ["quarantine", "rejected"]);
});

test("open() - takes another UUID when its folder is removed while it takes the lock", (context) => {
  const directory = temporaryFolder(context);
  const files = interfering((path) => {
    const lock = tryLock(path);
    renameSync(join(path, ".."), join(path, "../..", `${path.split("/").at(-2)}.removed`));
    return lock;
  });
  const spool = Spool.open({ directory }, files);
  assert.equal(readdirSync(directory).length, 4);
  spool.close();
});

test("adopt() - clears a folder away that somebody had begun to remove", async (context) => {
  const directory = temporaryFolder(context);
  Spool.open({ directory }).close();
  const removed = join(directory, "01a20d99-5fb3-7008-974d-5d5bec4cb54a.removed");
  mkdirSync(removed);
  tryLock(join(removed, "lock"))!.release();
  const spool = Spool.open({ directory });
  await spool.adopt((error) => assert.fail(error));
  spool.close();
  assert.deepEqual(readdirSync(directory), ["quarantine", "rejected"]);
});

for (const [what, lock] of [
  ["says that everything is locked", () => undefined],
  [
    "has no locks",
    () => {
      throw Object.assign(new Error("disk I/O error"), { errcode: 3850 });
    },
  ],
] as const) {
  test(`open() - a file system that ${what} is refused with a hint, and nothing is left there`, (context) => {
    const directory = temporaryFolder(context);
    assert.throws(
      () => Spool.open({ directory }, { ...nodeFiles, lock }),
      (error) => IndelibleError.is(error) && error.code === "ERR_CONFIG" && error.hint.includes("local file system"),
    );
    assert.deepEqual(readdirSync(directory), []);
  });
}

test("adopt() - the same directory by two paths in one process is the same directory", async (context) => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, "real"));
  symlinkSync(join(folder, "real"), join(folder, "link"));
  const first = Spool.open({ directory: join(folder, "real") });
  const second = Spool.open({ directory: join(folder, "link") });
  first.createSegment("conversations").append(Buffer.from("00000000 \n"), 1);
  assert.equal(second.directory, first.directory);
  assert.deepEqual(await second.adopt((error) => assert.fail(error)), []);
  first.close();
  assert.equal((await second.adopt((error) => assert.fail(error))).length, 1);
  second.close();
});
