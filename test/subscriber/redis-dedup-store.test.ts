import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createDedup, type Dedup } from "@indelible/subscriber/dedup.ts";
import type { Entry } from "@indelible/subscriber/hash.ts";
import { redisDedupStore } from "@indelible/subscriber/redis-dedup-store.ts";
import { SharedDedup } from "@indelible/subscriber/shared-dedup.ts";
import { createClient } from "@redis/client";
import { entryOf } from "./entries.ts";
import { freePort, skip, startRedis, type RedisProcess } from "./redis-process.ts";

const table = "conversations";

interface Instance {
  readonly dedup: Dedup;
  /** Severity and fields of what was logged. */
  readonly logged: { readonly severity: string; readonly operation?: string; readonly reason?: string }[];
  /** Whether `once` wrote this entry, or else knew it. */
  writes(entry: Entry): Promise<boolean>;
  /** Brings new entries until the store is away, or is back, and was said to be. */
  until(degraded: boolean): Promise<void>;
}

describe("a dedup that shares a Redis", { skip }, () => {
  const ends: (() => Promise<void>)[] = [];
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  async function redis(settings: readonly string[] = [], port?: number): Promise<RedisProcess> {
    const server = await startRedis(settings, port);
    ends.push(() => server.kill("SIGKILL"));
    return server;
  }

  let numbers = 1_000;
  function instance(port: number, { deadlineMs = 30_000, credentials = "", ttlSeconds = 600 } = {}): Instance {
    const logged: Instance["logged"] = [];
    const store = redisDedupStore({ url: `redis://${credentials}127.0.0.1:${port}`, ttlSeconds });
    const shared = new SharedDedup(store, {
      deadlineMs,
      retryMs: 1,
      log: (severity, _message, fields) => logged.push({ severity, ...fields }),
    });
    const dedup = createDedup({ maxBytes: 1024 * 1024, shared });
    ends.push(() => dedup.close());
    const writes = async (entry: Entry): Promise<boolean> => {
      const { accepted } = await dedup.once(table, [entry], () => Promise.resolve([]));
      return accepted.length === 1;
    };
    return {
      dedup,
      logged,
      writes,
      async until(degraded) {
        while (dedup.degraded !== degraded) {
          assert.ok(await writes(entryOf((numbers += 1))));
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    };
  }
  const severities = ({ logged }: Instance): string[] => logged.map(({ severity }) => severity);

  it("knows what other instances appended, and what is in conflict with it", async () => {
    const { port } = await redis();
    const [one, other] = [instance(port), instance(port)];
    assert.ok(await one.writes(entryOf(1)));
    assert.ok(!(await other.writes(entryOf(1))));
    const conflicting = await other.dedup.once(table, [entryOf(1, "b"), entryOf(2)], () => Promise.resolve([]));
    assert.deepEqual([conflicting.accepted.length, conflicting.conflicts], [2, 1]);
    const third = instance(port);
    const known = await third.dedup.once(
      table,
      [entryOf(1, "b"), entryOf(2), entryOf(1), entryOf(3)],
      async (unseen) => {
        assert.deepEqual(unseen, [entryOf(3)]);
        return [];
      },
    );
    assert.deepEqual([known.accepted.length, known.duplicates], [1, 3]);
    assert.ok((await third.dedup.once("action_logs", [entryOf(1)], () => Promise.resolve([]))).accepted.length === 1);
    assert.deepEqual([...one.logged, ...other.logged, ...third.logged], []);
  });

  it("gives each key the time to live, and holds hashes under log_ids", async () => {
    const { port } = await redis();
    const [one, other] = [instance(port), instance(port)];
    await one.writes(entryOf(1));
    await other.writes(entryOf(1, "b"));
    const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
    const key = `indelible:conversations:${entryOf(1).logId}`;
    const conflictKey = `${key}:${entryOf(1, "b").entryHash}`;
    assert.deepEqual((await client.keys("*")).toSorted(), [key, conflictKey]);
    assert.equal(await client.get(key), entryOf(1).entryHash);
    for (const one of [key, conflictKey]) {
      const ttl = await client.ttl(one);
      assert.ok(ttl > 0 && ttl <= 600, `${ttl} s`);
    }
    client.destroy();
  });

  it("takes two instances that mark the same entry at once for no conflict", async () => {
    const { port } = await redis();
    const store = redisDedupStore({ url: `redis://127.0.0.1:${port}` });
    ends.push(() => store.close());
    await store.mark(table, [entryOf(1), entryOf(2)]);
    await store.mark(table, [entryOf(2), entryOf(3), entryOf(3, "b")]);
    const entries = [entryOf(1), entryOf(2), entryOf(3), entryOf(3, "b"), entryOf(3, "c"), entryOf(4)];
    assert.deepEqual(await store.lookup(table, entries), [
      ...entries.slice(0, 4).map(({ entryHash }) => entryHash),
      entryOf(3).entryHash,
      undefined,
    ]);
  });

  it("marks and looks up the entries of a message of the largest size", async () => {
    const { port } = await redis();
    const entries = Array.from({ length: 50_000 }, (_, number) => entryOf(number));
    const store = redisDedupStore({ url: `redis://127.0.0.1:${port}` });
    ends.push(() => store.close());
    await store.mark(table, entries);
    assert.deepEqual(
      await store.lookup(table, entries),
      entries.map(({ entryHash }) => entryHash),
    );
  });

  it("goes on when Redis is killed amid its calls, says so once, and finds it again on the same port", async () => {
    const server = await redis();
    const one = instance(server.port);
    const calls: Promise<boolean>[] = [];
    for (let number = 1; number <= 200; number += 1) {
      calls.push(one.writes(entryOf(number)));
      if (number === 100) {
        await calls[50];
        calls.push(server.kill("SIGKILL").then(() => true));
      }
    }
    assert.ok((await Promise.all(calls)).every(Boolean));
    await one.until(true);
    assert.deepEqual(severities(one), ["WARNING"]);
    for (let number = 1; number <= 200; number += 1) assert.ok(!(await one.writes(entryOf(number))));
    assert.deepEqual(severities(one), ["WARNING"]);

    await redis([], server.port);
    await one.until(false);
    assert.deepEqual(severities(one), ["WARNING", "INFO"]);
    assert.ok(await one.writes(entryOf(500)));
    assert.ok(!(await instance(server.port).writes(entryOf(500))));
  });

  it("waits no longer than the deadline for a Redis that is stopped, and uses it again when it goes on", async () => {
    const server = await redis();
    await instance(server.port).writes(entryOf(1));
    const one = instance(server.port, { deadlineMs: 1_000 });
    await one.until(false);
    assert.ok(await one.writes(entryOf(2)));
    await server.kill("SIGSTOP");
    // That these resolve while Redis is stopped is what is tested.
    assert.ok(await one.writes(entryOf(1)));
    assert.ok(one.dedup.degraded);
    for (let number = 10; number < 1_000; number += 1) assert.ok(await one.writes(entryOf(number)));
    assert.deepEqual(
      one.logged.map(({ operation, reason }) => [operation, reason]),
      [["lookup", "no answer within 1000 ms"]],
    );
    await server.kill("SIGCONT");
    await one.until(false);
    assert.deepEqual(severities(one), ["WARNING", "INFO"]);
  });

  it("still looks up in a Redis that is full, says once that it takes no marks, and leaves it at that", async () => {
    const server = await redis();
    const one = instance(server.port);
    await one.writes(entryOf(1));
    const client = await createClient({ url: `redis://127.0.0.1:${server.port}` }).connect();
    await client.configSet({ "maxmemory-policy": "noeviction", maxmemory: "1" });
    const other = instance(server.port);
    assert.ok(await other.writes(entryOf(2)));
    assert.ok(!(await other.writes(entryOf(1))));
    assert.ok(await other.writes(entryOf(3)));
    assert.deepEqual(
      other.logged.map(({ severity, operation, reason }) => [severity, operation, reason]),
      [["WARNING", "mark", "OOM"]],
    );
    await client.configSet("maxmemory", "0");
    await other.until(false);
    assert.deepEqual(severities(other), ["WARNING", "INFO"]);
    client.destroy();
  });

  const refusals: [string, string, string][] = [
    ["a wrong password", ":s3cret-wrong@", "WRONGPASS"],
    ["an unknown user", "nobody:s3cret-wrong@", "WRONGPASS"],
    ["no password", "", "NOAUTH"],
  ];
  for (const [what, credentials, reason] of refusals) {
    it(`goes on without a Redis that refuses ${what}, and tells nobody the password`, async () => {
      const { port } = await redis(["--requirepass", "s3cret"]);
      const one = instance(port, { credentials });
      assert.ok(await one.writes(entryOf(1)));
      assert.ok(!(await one.writes(entryOf(1))));
      assert.ok(await one.writes(entryOf(2)));
      assert.deepEqual(
        one.logged.map((line) => line.reason),
        [reason],
      );
      assert.doesNotMatch(JSON.stringify(one.logged), /s3cret/);
    });
  }

  it("uses the password of the URL", async () => {
    const { port } = await redis(["--requirepass", "p@ss/word"]);
    const credentials = `:${encodeURIComponent("p@ss/word")}@`;
    await instance(port, { credentials }).writes(entryOf(1));
    const other = instance(port, { credentials });
    assert.ok(!(await other.writes(entryOf(1))));
    assert.deepEqual(other.logged, []);
  });

  it("starts without a Redis, and finds it when it comes", async () => {
    const port = await freePort();
    const one = instance(port);
    assert.ok(await one.writes(entryOf(1)));
    assert.deepEqual(
      one.logged.map(({ reason }) => reason),
      ["ECONNREFUSED"],
    );
    await redis([], port);
    await one.until(false);
    assert.deepEqual(severities(one), ["WARNING", "INFO"]);
  });
});
