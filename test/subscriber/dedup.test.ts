import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { RefusedRow } from "@indelible/subscriber/appender.ts";
import { createDedup, type Dedup, type DedupOutcome } from "@indelible/subscriber/dedup.ts";
import type { Entry } from "@indelible/subscriber/hash.ts";
import { SharedDedup, type SharedDedupStore } from "@indelible/subscriber/shared-dedup.ts";
import fc from "fast-check";
import { entryOf } from "./entries.ts";

const table = "conversations";
/** Room for some hundred entries: the default takes 10 ms to lay out. */
const maxBytes = 64 * 1024;
const [x, y, z] = [entryOf(1), entryOf(2), entryOf(3)];
const broken = new IndelibleError("ERR_APPEND_OUTCOME_UNKNOWN", "broken");

const writes = (): Promise<readonly RefusedRow[]> => Promise.resolve([]);
const fails = (): Promise<readonly RefusedRow[]> => Promise.reject(broken);
const mustNotRun = (): never => assert.fail("nothing is unseen");

/** An append that ends when it is told to. */
function pendingAppend(): { append: (unseen: readonly Entry[]) => Promise<readonly RefusedRow[]>; unseen: Entry[] } & {
  written(refused?: readonly RefusedRow[]): void;
  failed(error: unknown): void;
} {
  const { promise, resolve, reject } = Promise.withResolvers<readonly RefusedRow[]>();
  const unseen: Entry[] = [];
  return {
    unseen,
    append: (entries) => {
      unseen.push(...entries);
      return promise;
    },
    written: (refused = []) => resolve(refused),
    failed: reject,
  };
}

const counts = ({ accepted, duplicates, conflicts, refused }: DedupOutcome): number[] => [
  accepted.length,
  duplicates,
  conflicts,
  refused.length,
];

/** What a dedup does not know of these entries, found out without writing anything. */
async function unknownTo(dedup: Dedup, entries: readonly Entry[]): Promise<readonly Entry[]> {
  let unknown: readonly Entry[] = [];
  const look = async (unseen: readonly Entry[]): Promise<never> => {
    unknown = unseen;
    throw broken;
  };
  await dedup.once(table, entries, look).catch(() => {});
  return unknown;
}

describe("once()", () => {
  it("appends what is not known, each once, and counts the rest as duplicates", async () => {
    const dedup = createDedup({ maxBytes });
    const first = await dedup.once(table, [x, x, y], async (unseen) => {
      assert.deepEqual(unseen, [x, y]);
      return [];
    });
    assert.deepEqual(first, { accepted: [x, y], duplicates: 1, conflicts: 0, refused: [] });
    assert.deepEqual(counts(await dedup.once(table, [y, z], writes)), [1, 1, 0, 0]);
    assert.deepEqual(counts(await dedup.once(table, [x, y, z], mustNotRun)), [0, 3, 0, 0]);
    assert.deepEqual(counts(await dedup.once(table, [], mustNotRun)), [0, 0, 0, 0]);
  });

  it("takes the same log_id in two tables for two entries", async () => {
    const dedup = createDedup({ maxBytes });
    for (const one of ["conversations", "action_logs"] as const) {
      assert.deepEqual(counts(await dedup.once(one, [x], writes)), [1, 0, 0, 0]);
      assert.deepEqual(counts(await dedup.once(one, [x], mustNotRun)), [0, 1, 0, 0]);
    }
  });

  it("writes and counts a conflict, and knows both of its entries from then on", async () => {
    const dedup = createDedup({ maxBytes });
    const other = entryOf(1, "other");
    assert.deepEqual(counts(await dedup.once(table, [x], writes)), [1, 0, 0, 0]);
    assert.deepEqual(counts(await dedup.once(table, [other], writes)), [1, 0, 1, 0]);
    for (const one of [x, other]) assert.deepEqual(counts(await dedup.once(table, [one], mustNotRun)), [0, 1, 0, 0]);
  });

  it("counts a conflict within a call, and one between calls that run at once", async () => {
    const dedup = createDedup({ maxBytes });
    assert.deepEqual(counts(await dedup.once(table, [x, entryOf(1, "b")], writes)), [2, 0, 1, 0]);
    const outcomes = await Promise.all([dedup.once(table, [y], writes), dedup.once(table, [entryOf(2, "b")], writes)]);
    assert.equal(outcomes[0].conflicts + outcomes[1].conflicts, 1);
    assert.deepEqual(
      outcomes.map(({ accepted }) => accepted.length),
      [1, 1],
    );
  });

  it("knows nothing of an append that failed: the redelivery is written", async () => {
    const dedup = createDedup({ maxBytes });
    await assert.rejects(dedup.once(table, [x, y], fails), broken);
    assert.deepEqual(counts(await dedup.once(table, [x, y], writes)), [2, 0, 0, 0]);
  });

  it("knows nothing of an append that threw before it began", async () => {
    const dedup = createDedup({ maxBytes });
    const throws = (): never => {
      throw broken;
    };
    await assert.rejects(dedup.once(table, [x], throws), broken);
    assert.deepEqual(counts(await dedup.once(table, [x], writes)), [1, 0, 0, 0]);
  });

  it("gives back what BigQuery refused, and knows only its neighbours", async () => {
    const dedup = createDedup({ maxBytes });
    const refusal = { code: "ERR_ROW_REFUSED", reason: "no such thing" } as const;
    await dedup.once(table, [x], writes);
    // The position counts in what was appended, which is y and z.
    const outcome = await dedup.once(table, [x, y, z], async () => [{ position: 0, ...refusal }]);
    assert.deepEqual(outcome, { accepted: [z], duplicates: 1, conflicts: 0, refused: [{ entry: y, ...refusal }] });
    assert.deepEqual(await unknownTo(dedup, [x, y, z]), [y]);
  });

  it("writes an entry once that two calls bring at once, and both resolve when it is written", async () => {
    const dedup = createDedup({ maxBytes });
    const { append, written } = pendingAppend();
    const leader = dedup.once(table, [x, y], append);
    let resolved = false;
    const follower = dedup.once(table, [y], mustNotRun).finally(() => (resolved = true));
    await Promise.resolve();
    assert.equal(resolved, false);
    written();
    assert.deepEqual(counts(await leader), [2, 0, 0, 0]);
    assert.deepEqual(counts(await follower), [0, 1, 0, 0]);
  });

  it("rejects retryably when the call that it waits for fails, and a later delivery is written", async () => {
    const dedup = createDedup({ maxBytes });
    const { append, failed } = pendingAppend();
    const leader = dedup.once(table, [x], append);
    const follower = dedup.once(table, [x, y], writes);
    failed(new TypeError("a fault of ours"));
    await assert.rejects(leader, TypeError);
    await assert.rejects(follower, { code: "ERR_APPEND_OUTCOME_UNKNOWN", retryable: true });
    assert.deepEqual(await unknownTo(dedup, [x, y]), [x], "what the follower itself appended is known");
    assert.deepEqual(counts(await dedup.once(table, [x, y], writes)), [1, 1, 0, 0]);
  });

  it("passes the code of a retryable failure on to who waited, so that a full queue is answered as one", async () => {
    const dedup = createDedup({ maxBytes });
    const { append, failed } = pendingAppend();
    const leader = dedup.once(table, [x], append);
    const follower = dedup.once(table, [x], mustNotRun);
    failed(new IndelibleError("ERR_QUEUE_FULL", "full"));
    await assert.rejects(leader, { code: "ERR_QUEUE_FULL" });
    await assert.rejects(follower, { code: "ERR_QUEUE_FULL", retryable: true });
  });

  it("lets its own append settle before it rejects for another call's", async () => {
    const dedup = createDedup({ maxBytes });
    const [theirs, own] = [pendingAppend(), pendingAppend()];
    const leader = dedup.once(table, [x], theirs.append);
    const follower = dedup.once(table, [x, y], own.append);
    const order: string[] = [];
    const followed = follower.catch(() => order.push("rejected"));
    theirs.failed(broken);
    await assert.rejects(leader);
    order.push("own append");
    own.written();
    await followed;
    assert.deepEqual(order, ["own append", "rejected"]);
  });

  it("refuses for the same reason what BigQuery refused to the call that it waited for", async () => {
    const dedup = createDedup({ maxBytes });
    const { append, written } = pendingAppend();
    const leader = dedup.once(table, [x, y], append);
    const copy = { ...y, index: 7 };
    const follower = dedup.once(table, [z, copy, x], writes);
    const refusal = { code: "ERR_TOO_LARGE", reason: "too large" } as const;
    written([{ position: 1, ...refusal }]);
    assert.deepEqual((await leader).refused, [{ entry: y, ...refusal }]);
    assert.deepEqual(await follower, {
      accepted: [z],
      duplicates: 1,
      conflicts: 0,
      refused: [{ entry: copy, ...refusal }],
    });
  });

  it("never deadlocks when calls bring the same entries crosswise", async () => {
    const dedup = createDedup({ maxBytes });
    const appends = [pendingAppend(), pendingAppend(), pendingAppend()] as const;
    const calls = [
      dedup.once(table, [x, y], appends[0].append),
      dedup.once(table, [y, z, x], appends[1].append),
      dedup.once(table, [z, entryOf(4), x], appends[2].append),
    ];
    assert.deepEqual(
      appends.map(({ unseen }) => unseen),
      [[x, y], [z], [entryOf(4)]],
    );
    for (const { written } of appends.toReversed()) written();
    assert.deepEqual((await Promise.all(calls)).map(counts), [
      [2, 0, 0, 0],
      [1, 2, 0, 0],
      [1, 2, 0, 0],
    ]);
  });

  it("keeps its promises whatever the calls, the appends' outcomes, the shared store and the order of events", async () => {
    const anyEntry = fc.tuple(fc.nat({ max: 3 }), fc.constantFrom("a", "b")).map((one) => entryOf(...one));
    const anyCall = fc.record({
      entries: fc.array(anyEntry, { minLength: 1, maxLength: 4 }),
      append: fc.constantFrom("writes", "refuses one", "fails", "fails but writes"),
      lookup: fc.constantFrom("works", "fails"),
      mark: fc.constantFrom("works", "fails", "fails but marks"),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(anyCall, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (scheduler, calls, shares) => {
          const written = new Set<string>();
          const acknowledged = new Set<string>();
          const beingAppended = new Set<string>();
          const marked = new Map<string, Set<string>>();
          let behaviour: (typeof calls)[number] | undefined;
          const store: SharedDedupStore = {
            name: "scripted",
            lookup: scheduler.scheduleFunction(async (_table, entries) => {
              if (behaviour?.lookup === "fails") throw new Error("scripted");
              return entries.map(({ logId, entryHash }) => {
                const hashes = marked.get(logId);
                return hashes?.has(entryHash) === true ? entryHash : hashes?.values().next().value;
              });
            }),
            mark: scheduler.scheduleFunction(async (_table, entries) => {
              if (behaviour?.mark !== "fails") {
                for (const { logId, entryHash } of entries) {
                  assert.ok(acknowledged.has(entryHash), "marked before it was acknowledged");
                  marked.set(logId, (marked.get(logId) ?? new Set()).add(entryHash));
                }
              }
              if (behaviour?.mark !== "works") throw new Error("scripted");
            }),
            close: async () => {},
          };
          const dedup = createDedup(
            shares ? { maxBytes, shared: new SharedDedup(store, { retryMs: 0, log: () => {} }) } : { maxBytes },
          );

          async function run(call: (typeof calls)[number]): Promise<void> {
            await scheduler.schedule(Promise.resolve());
            behaviour = call;
            const end = scheduler.scheduleFunction(async (unseen: readonly Entry[]): Promise<readonly RefusedRow[]> => {
              for (const { entryHash } of unseen) beingAppended.delete(entryHash);
              if (call.append === "fails") throw broken;
              const lines = call.append === "refuses one" ? unseen.slice(1) : unseen;
              for (const { entryHash } of lines) written.add(entryHash);
              if (call.append === "fails but writes") throw broken;
              for (const { entryHash } of lines) acknowledged.add(entryHash);
              return lines === unseen ? [] : [{ position: 0, code: "ERR_ROW_REFUSED", reason: "scripted" }];
            });
            const outcome = await dedup
              .once(table, call.entries, (unseen) => {
                for (const { entryHash } of unseen) {
                  assert.ok(!beingAppended.has(entryHash), "appended twice at once");
                  beingAppended.add(entryHash);
                }
                return end(unseen);
              })
              .catch((error: unknown) => {
                assert.ok(IndelibleError.is(error) && error.retryable, String(error));
              });
            if (outcome === undefined) return;
            const { accepted, duplicates, refused } = outcome;
            assert.equal(accepted.length + duplicates + refused.length, call.entries.length);
            const refusedHashes = new Set(refused.map(({ entry }) => entry.entryHash));
            for (const { entryHash } of call.entries) assert.ok(written.has(entryHash) || refusedHashes.has(entryHash));
          }
          await scheduler.waitFor(Promise.all(calls.map(run)));

          const all = [0, 1, 2, 3].flatMap((number) => [entryOf(number, "a"), entryOf(number, "b")]);
          const unknown = new Set(await scheduler.waitFor(unknownTo(dedup, all)));
          for (const entry of all) if (!unknown.has(entry)) assert.ok(acknowledged.has(entry.entryHash));
          if (!shares) for (const entry of unknown) assert.ok(!acknowledged.has(entry.entryHash));
        },
      ),
      { numRuns: 500 },
    );
  });
});
