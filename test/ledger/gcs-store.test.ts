import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { openGcsStore, type GcsStoreOptions } from "@indelible/ledger/gcs-store.ts";
import type { ObjectStore } from "@indelible/ledger/object-store.ts";
import type { IndelibleError } from "@indelible/schemas/errors.ts";
import { FakeGcs } from "./fake-gcs.ts";
import { listed, testStoreContract } from "./store-contract.ts";

async function openFake(
  context: TestContext,
  options: Partial<GcsStoreOptions> = {},
): Promise<{ fake: FakeGcs; store: ObjectStore }> {
  const fake = new FakeGcs("test-bucket");
  const apiEndpoint = await fake.start();
  context.after(() => fake.stop());
  const store = await openGcsStore({
    location: "gs://test-bucket/some/log",
    clientOptions: { apiEndpoint, projectId: "test" },
    wait: async () => {},
    ...options,
  });
  return { fake, store };
}

const data = Buffer.from("data");

describe("a store in a bucket", () => {
  testStoreContract(async (context) => (await openFake(context)).store);

  it("keeps objects under its prefix, and sees no others", async (context) => {
    const { fake, store } = await openFake(context);
    assert.equal(store.location, "gs://test-bucket/some/log");
    await store.create("commits/0", data);
    assert.deepEqual([...fake.objects.keys()], ["some/log/commits/0"]);
    for (const name of ["commits/1", "some/log/commits/", "some/log/commits/a b"]) {
      fake.objects.set(name, { data, metadata: {} });
    }
    assert.deepEqual(await listed(store, "commits/"), ["commits/0"]);
    const whole = await openFake(context, { location: "gs://test-bucket" });
    await whole.store.create("commits/0", data);
    assert.deepEqual([whole.store.location, ...whole.fake.objects.keys()], ["gs://test-bucket", "commits/0"]);
  });

  it("lists page by page", async (context) => {
    const { fake, store } = await openFake(context);
    fake.pageSize = 3;
    const names = Array.from({ length: 10 }, (_, index) => `n/${index}`);
    for (const name of names) await store.create(name, data);
    assert.deepEqual(await listed(store, "n/"), names);
    assert.deepEqual(await listed(store, "n/", "n/4"), names.slice(4));
  });

  for (const fault of ["before-503", "before-reset", "after-503", "after-reset"] as const) {
    it(`create() - is true when the first attempt fails with ${fault}`, async (context) => {
      const { fake, store } = await openFake(context);
      fake.faults.push(fault, fault);
      assert.equal(await store.create("a", data), true);
      assert.deepEqual(fake.objects.get("some/log/a")?.data, data);
    });

    it(`create() - is false when another has created it, with the same data, and attempts fail with ${fault}`, async (context) => {
      const { fake, store } = await openFake(context);
      await store.create("a", data);
      fake.faults.push(fault);
      assert.equal(await store.create("a", data), false);
    });

    it(`create() - throws after some attempts, and leaves open what is there, when all fail with ${fault}`, async (context) => {
      const { fake, store } = await openFake(context);
      fake.faults.push(fault, fault, fault, fault);
      await assert.rejects(store.create("a", data), { code: "ERR_STORE", retryable: true });
      assert.equal(fake.requests.length, 4);
      assert.equal(await store.create("a", data), fault.startsWith("before"));
    });
  }

  it("create() - is false at once when there is one, without asking whose it is", async (context) => {
    const { fake, store } = await openFake(context);
    await store.create("a", data);
    fake.requests.length = 0;
    assert.equal(await store.create("a", data), false);
    assert.equal(fake.requests.length, 1);
  });

  it("create() - is true when even the question whose it is fails once", async (context) => {
    const { fake, store } = await openFake(context);
    fake.faults.push("after-reset", "none", 503);
    assert.equal(await store.create("a", data), true);
  });

  it("create() - knows whose the object is also when the bucket refuses to have one replaced, by its retention, before it looks at the condition", async (context) => {
    const { fake, store } = await openFake(context);
    fake.faults.push("after-reset", 403);
    assert.equal(await store.create("a", data), true, "the first attempt has created it");
    fake.faults.push(403);
    assert.equal(await store.create("a", data), false, "somebody else has");
  });

  it("create() - gives up when its deadline is over", async (context) => {
    const { fake, store } = await openFake(context, { deadlineMs: 50 });
    fake.faults.push("after-hang", "after-hang", "after-hang", "after-hang");
    await assert.rejects(store.create("a", data), { code: "ERR_DEADLINE", retryable: true });
    assert.ok(fake.objects.has("some/log/a"));
  });

  it("survives a connection that stalls, which does not use up the time of the other attempts", async (context) => {
    const { fake, store } = await openFake(context, { deadlineMs: 600 });
    fake.faults.push("after-hang");
    assert.equal(await store.create("a/b", data), true);
    fake.faults.push("after-hang");
    assert.deepEqual(await store.read("a/b"), data);
    fake.faults.push("after-hang");
    assert.equal(await store.has("a/b"), true);
    fake.faults.push("after-hang");
    assert.deepEqual(await listed(store, "a/"), ["a/b"]);
  });

  it("read() - does not give data that is not what was stored", async (context) => {
    const { fake, store } = await openFake(context);
    await store.create("a", data);
    fake.faults.push("damaged");
    assert.deepEqual(await store.read("a"), data, "the next attempt is good");
    fake.faults.push("damaged", "damaged", "without-checksum", "without-checksum");
    await assert.rejects(store.read("a"), { code: "ERR_STORE", message: /checksum/ });
  });

  it("read() - warns of nothing when the data is long", async (context) => {
    const { fake, store } = await openFake(context);
    const long = Buffer.alloc(1_000_000, 1);
    fake.objects.set("some/log/long", { data: long, metadata: {} });
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on("warning", onWarning);
    assert.deepEqual(await store.read("long"), long);
    // Warnings are emitted in the next tick.
    await new Promise(setImmediate);
    process.off("warning", onWarning);
    assert.deepEqual(warnings, []);
  });

  it("reads and lists again when Cloud Storage does not answer", async (context) => {
    const { fake, store } = await openFake(context);
    await store.create("a/b", data);
    for (const fault of ["before-503", "after-reset", 429, 500, 408] as const) {
      fake.faults.push(fault);
      assert.deepEqual(await store.read("a/b"), data);
      fake.faults.push(fault);
      assert.equal(await store.has("a/b"), true);
      fake.faults.push(fault);
      assert.deepEqual(await listed(store, "a/"), ["a/b"]);
    }
  });

  it("throws at once, with the right that is missing, when it is not allowed", async (context) => {
    const { fake, store } = await openFake(context);
    for (const call of [
      () => store.create("a", data),
      () => store.read("a"),
      () => store.has("a"),
      () => listed(store, "a/"),
    ]) {
      for (const status of [401, 403]) {
        fake.requests.length = 0;
        fake.faults.push(status);
        await assert.rejects(call(), (error: IndelibleError) => {
          assert.equal(error.code, "ERR_STORE");
          assert.match(error.message, /gs:\/\/test-bucket\/some\/log\/a/);
          assert.match(error.hint, /roles\/storage\.objectCreator/);
          return true;
        });
        const tries = fake.requests.filter((request) => request.startsWith("POST")).length;
        assert.ok(tries <= 1 && fake.requests.length <= tries + 1, "it looks whether the object is there, and no more");
      }
    }
  });

  it("takes a bucket that is not there for none, rather than for an empty store", async (context) => {
    const { store } = await openFake(context, { location: "gs://other-bucket" });
    for (const call of [
      () => store.create("a", data),
      () => store.read("a"),
      () => store.has("a"),
      () => listed(store, "a/"),
    ]) {
      await assert.rejects(call(), { code: "ERR_STORE", message: /bucket does not exist/ });
    }
  });

  it("is refused when its location is none", async () => {
    for (const location of [
      "",
      "bucket",
      "gs://",
      "gs:///a",
      "s3://bucket",
      "gs://bucket/a b",
      "gs://bucket//",
      "gs://bucket/../a",
    ]) {
      await assert.rejects(openGcsStore({ location }), { code: "ERR_CONFIG" }, location);
    }
  });
});
