import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDedup, type DedupOutcome } from "@indelible/subscriber/dedup.ts";
import type { Entry } from "@indelible/subscriber/hash.ts";
import { SharedDedup, type SharedDedupStore } from "@indelible/subscriber/shared-dedup.ts";
import { entryOf } from "./entries.ts";

const table = "conversations";
const maxBytes = 64 * 1024;
const [x, y] = [entryOf(1), entryOf(2)];

type Behaviour = "works" | "fails" | "hangs" | "fails but is carried out" | "hangs but is carried out" | "throws";

/** A store in memory that fails as it is told, and remembers what it was asked. */
class ScriptedStore implements SharedDedupStore {
  readonly name = "redis://scripted";
  readonly hashes = new Map<string, Set<string>>();
  readonly asked: string[] = [];
  lookups: Behaviour = "works";
  marks: Behaviour = "works";

  lookup(...[of, entries]: Parameters<SharedDedupStore["lookup"]>): Promise<(string | undefined)[]> {
    this.asked.push("lookup");
    return this.#as(this.lookups, () =>
      entries.map(({ logId, entryHash }) => {
        const hashes = this.hashes.get(`${of} ${logId}`);
        return hashes?.has(entryHash) === true ? entryHash : hashes?.values().next().value;
      }),
    );
  }

  mark(...[of, entries]: Parameters<SharedDedupStore["mark"]>): Promise<void> {
    this.asked.push("mark");
    return this.#as(this.marks, () => {
      for (const { logId, entryHash } of entries) {
        const key = `${of} ${logId}`;
        this.hashes.set(key, (this.hashes.get(key) ?? new Set()).add(entryHash));
      }
    });
  }

  async close(): Promise<void> {
    this.asked.push("close");
  }

  #as<Answer>(behaviour: Behaviour, carryOut: () => Answer): Promise<Answer> {
    if (behaviour === "throws") throw new Error("scripted");
    const answer = behaviour === "works" || behaviour.endsWith("carried out") ? carryOut() : undefined;
    if (behaviour.startsWith("hangs")) return new Promise(() => {});
    return behaviour === "works" ? Promise.resolve(answer as Answer) : Promise.reject(new Error("scripted"));
  }
}

interface World {
  readonly store: ScriptedStore;
  readonly shared: SharedDedup;
  readonly logged: string[];
  pass(milliseconds: number): void;
  /** A dedup with this shared store and a memory of its own, as another instance is. */
  instance(): { once(entries: readonly Entry[]): Promise<DedupOutcome>; written: Entry[] };
}

function world(): World {
  const store = new ScriptedStore();
  const logged: string[] = [];
  let now = 0;
  const shared = new SharedDedup(store, {
    deadlineMs: 1,
    retryMs: 1_000,
    now: () => now,
    log: (severity, message, fields) => logged.push(JSON.stringify({ severity, message, ...fields })),
  });
  return {
    store,
    shared,
    logged,
    pass: (milliseconds) => (now += milliseconds),
    instance() {
      const dedup = createDedup({ maxBytes, shared });
      const written: Entry[] = [];
      return {
        written,
        once: (entries) =>
          dedup.once(table, entries, async (unseen) => {
            written.push(...unseen);
            return [];
          }),
      };
    },
  };
}

const counts = ({ accepted, duplicates, conflicts }: DedupOutcome): number[] => [
  accepted.length,
  duplicates,
  conflicts,
];

describe("a dedup with a shared store", () => {
  it("knows what another instance appended, and asks the store only for what memory does not know", async () => {
    const { store, instance } = world();
    const [one, other] = [instance(), instance()];
    await one.once([x]);
    assert.deepEqual(counts(await other.once([x, y])), [1, 1, 0]);
    assert.deepEqual(other.written, [y]);
    assert.deepEqual(counts(await other.once([x, y])), [0, 2, 0]);
    assert.deepEqual(store.asked, ["lookup", "mark", "lookup", "mark"]);
  });

  it("writes and counts a conflict with what another instance appended; each of the two is then known to all", async () => {
    const { instance } = world();
    const conflicting = entryOf(1, "b");
    await instance().once([x]);
    assert.deepEqual(counts(await instance().once([conflicting])), [1, 0, 1]);
    assert.deepEqual(counts(await instance().once([x, conflicting])), [0, 2, 0]);
  });

  it("marks nothing before the append was acknowledged, nothing when it failed, and not what was refused", async () => {
    const { store, shared } = world();
    const dedup = createDedup({ maxBytes, shared });
    await assert.rejects(
      dedup.once(table, [x], async () => {
        assert.deepEqual(store.asked, ["lookup"]);
        throw new Error("broken");
      }),
    );
    assert.equal(store.hashes.size, 0);
    await dedup.once(table, [x, y], async () => [{ position: 0, code: "ERR_ROW_REFUSED", reason: "no" }]);
    assert.deepEqual([...store.hashes.keys()], [`${table} ${y.logId}`]);
  });

  it("waits for a call that found its entry in the store, as for one that wrote it", async () => {
    const { instance } = world();
    await instance().once([x]);
    const other = instance();
    const outcomes = await Promise.all([other.once([x]), other.once([x])]);
    assert.deepEqual(outcomes.map(counts), [
      [0, 1, 0],
      [0, 1, 0],
    ]);
  });

  const failures: [Behaviour, string][] = [
    ["fails", "scripted"],
    ["fails but is carried out", "scripted"],
    ["throws", "scripted"],
    ["hangs", "no answer within 1 ms"],
    ["hangs but is carried out", "no answer within 1 ms"],
  ];
  for (const [behaviour, reason] of failures) {
    it(`writes what a lookup that ${behaviour} does not tell it, says so once, and asks no more for a while`, async () => {
      const { store, shared, instance, logged, pass } = world();
      await instance().once([x]);
      store.lookups = behaviour;
      const other = instance();
      assert.deepEqual(counts(await other.once([x])), [1, 0, 0]);
      assert.ok(shared.degraded);
      const asked = store.asked.length;
      pass(499);
      assert.deepEqual(counts(await other.once([x, y])), [1, 1, 0]);
      assert.equal(store.asked.length, asked);
      assert.equal(logged.length, 1);
      assert.deepEqual(JSON.parse(logged[0] as string), {
        severity: "WARNING",
        message: "the shared dedup store fails: this instance goes by what it remembers itself",
        store: "redis://scripted",
        operation: "lookup",
        reason,
        hint: "Nothing is lost: rows may be written twice, and the views collapse them.",
      });
    });

    it(`resolves when a mark ${behaviour}: the rows are written`, async () => {
      const { store, shared, instance, logged } = world();
      store.marks = behaviour;
      const one = instance();
      assert.deepEqual(counts(await one.once([x])), [1, 0, 0]);
      assert.deepEqual(counts(await one.once([x])), [0, 1, 0]);
      assert.ok(shared.degraded);
      assert.equal(logged.length, 1);
      // What was carried out is known to others in spite of the failure; what was not is written twice at worst.
      const carriedOut = behaviour.endsWith("carried out");
      assert.deepEqual(counts(await instance().once([x])), carriedOut ? [0, 1, 0] : [1, 0, 0]);
    });
  }

  it("still asks what is known while the store takes no marks, and says that it is back only when it takes them", async () => {
    const { store, shared, instance, logged, pass } = world();
    await instance().once([x]);
    store.marks = "fails";
    await instance().once([y]);
    pass(499);
    assert.deepEqual(counts(await instance().once([x])), [0, 1, 0]);
    assert.ok(shared.degraded);
    pass(501);
    store.marks = "works";
    await instance().once([y]);
    assert.ok(!shared.degraded);
    assert.deepEqual(
      logged.map((line) => (JSON.parse(line) as { severity: string }).severity),
      ["WARNING", "INFO"],
    );
  });

  it("sends one call to find out whether the store is back, while the others go on without it", async () => {
    const { store, shared, instance, logged, pass } = world();
    store.lookups = "fails";
    await instance().once([x]);
    pass(1_000);
    store.lookups = "hangs";
    const asked = store.asked.length;
    const outcomes = await Promise.all([3, 4, 5].map((number) => instance().once([entryOf(number)])));
    assert.deepEqual(
      outcomes.map(({ accepted }) => accepted.length),
      [1, 1, 1],
    );
    assert.equal(store.asked.length, asked + 1);
    pass(1_000);
    store.lookups = "works";
    const other = instance();
    await other.once([x]);
    assert.ok(!shared.degraded);
    assert.deepEqual(JSON.parse(logged.at(-1) as string), {
      severity: "INFO",
      message: "the shared dedup store is back",
      store: "redis://scripted",
      outageMs: 2_000,
    });
    assert.equal(logged.length, 2);
    assert.deepEqual(counts(await instance().once([x])), [0, 1, 0]);
  });

  it("says once that the store is away, however many calls find out together", async () => {
    const { store, instance, logged } = world();
    store.lookups = "hangs";
    await Promise.all([1, 2, 3, 4].map((number) => instance().once([entryOf(number)])));
    assert.equal(store.asked.length, 4);
    assert.equal(logged.length, 1);
  });

  it("takes an answer that has arrived while the event loop was busy beyond the deadline", async () => {
    const { store, shared } = world();
    const answered = Promise.withResolvers<void>();
    // After an immediate the event loop runs the timers that are due, and only then reads what has arrived.
    await new Promise((resolve) => setImmediate(resolve));
    store.lookup = async (_table, entries) => {
      await answered.promise;
      return entries.map(({ entryHash }) => entryHash);
    };
    const hashes = shared.lookup(table, [x]);
    const { port1, port2 } = new MessageChannel();
    port1.on("message", () => {
      answered.resolve();
      port1.close();
    });
    port2.postMessage("answer");
    const until = performance.now() + 5;
    while (performance.now() < until);
    assert.deepEqual(await hashes, [x.entryHash]);
    assert.ok(!shared.degraded);
  });

  it("closes the store with itself", async () => {
    const { store, shared } = world();
    await createDedup({ maxBytes, shared }).close();
    assert.deepEqual(store.asked, ["close"]);
  });
});
