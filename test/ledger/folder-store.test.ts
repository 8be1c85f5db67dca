import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { folderStore } from "@indelible/ledger/folder-store.ts";
import type { IndelibleError } from "@indelible/schemas/errors.ts";
import { isWhole, labelOf } from "./object-data.ts";
import { listed, testStoreContract } from "./store-contract.ts";

const script = fileURLToPath(new URL("store-writer.ts", import.meta.url));

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "indelible-store-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Created {
  readonly name: string;
  readonly isNew: boolean;
}

function startWriter(
  folder: string,
  label: string,
  count: number,
): { child: ChildProcess; lines: AsyncIterable<Created> } {
  const child = spawn(process.execPath, [script, folder, label, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  async function* read(): AsyncGenerator<Created> {
    for await (const line of createInterface(child.stdout)) yield JSON.parse(line) as Created;
  }
  return { child, lines: read() };
}

describe("a store in a folder", () => {
  testStoreContract(async (context) => folderStore(join(temporaryFolder(context), "new", "store")));

  it("keeps files that nobody may write, and nothing else", async (context) => {
    const folder = temporaryFolder(context);
    const store = folderStore(folder);
    assert.equal(store.location, folder);
    await store.create("commits/0", Buffer.from("data"));
    assert.equal(statSync(join(folder, "commits/0")).mode & 0o777, 0o444);
    assert.equal(statSync(join(folder, "commits/0")).nlink, 1);
    assert.deepEqual(readdirSync(join(folder, "~tmp")), []);
  });

  it("does not see what is no object, and follows no link", async (context) => {
    const folder = temporaryFolder(context);
    const store = folderStore(join(folder, "store"));
    await store.create("a/1", Buffer.from("1"));
    writeFileSync(join(folder, "secret"), "secret");
    symlinkSync(join(folder, "secret"), join(folder, "store/a/2"));
    mkdirSync(join(folder, "store/a/3"));
    writeFileSync(join(folder, "store/a/~4"), "");
    writeFileSync(join(folder, "store/a/5 6"), "");
    execFileSync("mkfifo", [join(folder, "store/a/7")]);
    assert.deepEqual(await listed(store, "a/"), ["a/1"]);
    for (const name of ["a/2", "a/3", "a/1/x"]) {
      assert.equal(await store.read(name), undefined, name);
      assert.equal(await store.has(name), false, name);
    }
  });

  it("removes what crashes have left when it is old, and nothing younger", async (context) => {
    const folder = temporaryFolder(context);
    await folderStore(folder).create("a", Buffer.of());
    for (const name of ["~1-old", "~2-young"]) writeFileSync(join(folder, "~tmp", name), "torn");
    utimesSync(join(folder, "~tmp/~1-old"), 1, 1);
    await folderStore(folder).create("b", Buffer.of());
    assert.deepEqual(readdirSync(join(folder, "~tmp")), ["~2-young"]);
  });

  it("has all that was created and nothing torn, however often the process is killed in the middle", async (context) => {
    const folder = temporaryFolder(context);
    let seed = 42;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let kill = 0; kill < 12; kill += 1) {
      const root = join(folder, String(kill));
      const { child, lines } = startWriter(root, `kill-${kill}`, 1000);
      const exited = once(child, "exit");
      const created: string[] = [];
      const last = random(40);
      for await (const { name, isNew } of lines) {
        assert.ok(isNew);
        created.push(name);
        if (created.length === last + 1) child.kill("SIGKILL");
      }
      await exited;
      const store = folderStore(root);
      const names = await listed(store, "commits/");
      assert.ok(created.length > last && created.length < 1000);
      // One may have been created of which the process did not come to speak.
      assert.ok(names.length === created.length || names.length === created.length + 1);
      for (const name of created) assert.ok(names.includes(name), name);
      for (const name of names) assert.ok(isWhole((await store.read(name)) ?? Buffer.of()), name);
      assert.equal(await store.create(`commits/${names.length}`, Buffer.from("goes on")), true);
    }
  });

  it("gives each name to exactly one of several processes that create it", async (context) => {
    const folder = temporaryFolder(context);
    const count = 60;
    const winners = new Map<string, string[]>();
    await Promise.all(
      ["p", "q", "r"].map(async (label) => {
        const { child, lines } = startWriter(folder, label, count);
        const exited = once(child, "exit");
        for await (const { name, isNew } of lines) if (isNew) winners.set(name, [...(winners.get(name) ?? []), label]);
        assert.deepEqual(await exited, [0, null]);
      }),
    );
    const store = folderStore(folder);
    assert.equal(winners.size, count);
    for (const [name, labels] of winners) {
      const data = (await store.read(name)) ?? Buffer.of();
      assert.ok(isWhole(data));
      assert.deepEqual(labels, [labelOf(data)]);
    }
  });

  it("says what is in the way when its folder is a file", async (context) => {
    const path = join(temporaryFolder(context), "file");
    writeFileSync(path, "");
    const store = folderStore(path);
    await assert.rejects(store.create("a/b", Buffer.of()), (error: IndelibleError) => {
      assert.equal(error.code, "ERR_STORE");
      assert.ok(error.message.includes(path));
      return true;
    });
  });

  it("says so when the disk is full or read-only, leaves nothing half, and goes on when there is room", async (context) => {
    const disk = join(temporaryFolder(context), "disk");
    mkdirSync(disk);
    if (!mount(disk, "size=128k")) return context.skip("no tmpfs can be mounted here");
    try {
      const store = folderStore(join(disk, "store"));
      await store.create("a/0", Buffer.alloc(50_000, 1));
      const fails = (hint: RegExp) => (error: IndelibleError) => {
        assert.deepEqual([error.code, error.retryable], ["ERR_STORE", true]);
        assert.ok(error.message.includes(join(disk, "store/a/1")));
        assert.match(error.hint, hint);
        return true;
      };
      await assert.rejects(store.create("a/1", Buffer.alloc(100_000, 2)), fails(/Make room/));
      assert.deepEqual([await listed(store, "a/"), readdirSync(join(disk, "store/~tmp"))], [["a/0"], []]);
      assert.ok(mount(disk, "remount,ro"));
      await assert.rejects(store.create("a/1", Buffer.alloc(10, 2)), fails(/writable/));
      assert.equal((await store.read("a/0"))?.length, 50_000);
      assert.ok(mount(disk, "remount,rw,size=1m"));
      assert.equal(await store.create("a/1", Buffer.alloc(100_000, 2)), true);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it(
    "says that a right is missing, and which",
    { skip: process.getuid?.() === 0 && "root may read all" },
    async (context) => {
      const folder = temporaryFolder(context);
      mkdirSync(join(folder, "store"), { mode: 0o500 });
      const store = folderStore(join(folder, "store"));
      await assert.rejects(store.create("a", Buffer.of()), { code: "ERR_STORE", hint: /right to read and write/ });
    },
  );
});

function mount(folder: string, options: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
