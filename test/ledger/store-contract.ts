import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { ObjectStore } from "@indelible/ledger/object-store.ts";

export async function listed(store: ObjectStore, prefix: string, from?: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.list(prefix, from)) names.push(name);
  return names;
}

/** What object-store.ts promises, for every store. */
export function testStoreContract(open: (context: TestContext) => Promise<ObjectStore>): void {
  it("create() - gives true once, and the first data stays", async (context) => {
    const store = await open(context);
    const name = "commits/000000000000";
    assert.equal(await store.has(name), false);
    assert.equal(await store.read(name), undefined);
    assert.equal(await store.create(name, Buffer.from("first")), true);
    assert.equal(await store.create(name, Buffer.from("second")), false);
    assert.equal(await store.create(name, Buffer.from("first")), false, "though it is the same data");
    assert.equal(await store.has(name), true);
    assert.deepEqual(Buffer.from((await store.read(name)) ?? []), Buffer.from("first"));
  });

  it("create() - gives true to exactly one of those that create a name at once", async (context) => {
    const store = await open(context);
    const data = Array.from({ length: 10 }, (_, index) => Buffer.alloc(1000, index));
    const results = await Promise.all(data.map((bytes) => store.create("a/b/c", bytes)));
    assert.equal(results.filter(Boolean).length, 1);
    assert.deepEqual(Buffer.from((await store.read("a/b/c")) ?? []), data[results.indexOf(true)]);
  });

  it("read() - gives any bytes back, none and a megabyte included", async (context) => {
    const store = await open(context);
    const all = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    for (const [index, data] of [Buffer.alloc(0), all, Buffer.alloc(1_000_000, all)].entries()) {
      assert.equal(await store.create(`data/${index}`, data), true);
      assert.deepEqual(Buffer.from((await store.read(`data/${index}`)) ?? "none"), data);
    }
  });

  it("list() - gives names in the order of their code units, of all depths, from the one asked for on", async (context) => {
    const store = await open(context);
    const names = ["w/a-b", "w/a.b", "w/a/b", "w/a/c/d", "w/a0", "w/B", "w/b/_", "w/b/a"];
    for (const name of [...names, "v/z", "wx/a", "w.x/a", "x"]) await store.create(name, Buffer.from(name));
    const sorted = names.toSorted();
    assert.deepEqual(await listed(store, "w/"), sorted);
    for (const from of [...names, "w/", "w/a", "w/a/", "w/a/c/", "w/a/bb", "w/a/z", "w/zz", "w/A", "a", "w/b"]) {
      assert.deepEqual(
        await listed(store, "w/", from),
        sorted.filter((name) => name >= from),
        from,
      );
    }
    assert.deepEqual(await listed(store, "w/a/"), ["w/a/b", "w/a/c/d"]);
    assert.deepEqual(await listed(store, "nothing/"), []);
  });

  it("refuses names that are none, and leads nowhere else by them", async (context) => {
    const store = await open(context);
    for (const name of [
      "",
      "/a",
      "a/",
      "a//b",
      "..",
      "../a",
      "a/../b",
      "a/..",
      "./a",
      "a/./b",
      "a b",
      "a\0",
      "ä",
      "~tmp/a",
      "a\\b",
      "a".repeat(501),
    ]) {
      await assert.rejects(store.create(name, Buffer.of()), RangeError, name);
      await assert.rejects(store.read(name), RangeError, name);
      await assert.rejects(store.has(name), RangeError, name);
    }
    for (const prefix of ["", "/", "a", "../", "a//"]) await assert.rejects(listed(store, prefix), RangeError, prefix);
    for (const name of ["...", ".a", "a..b", "-", "_"]) assert.equal(await store.create(name, Buffer.of()), true);
  });
}
