import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readAhead } from "@indelible/ledger/read-ahead.ts";

/** Reads that end when the test says so, and the most that were under way at once. */
class Reads {
  readonly started: number[] = [];
  max = 0;
  #underWay = 0;

  read = async (item: number): Promise<number> => {
    this.started.push(item);
    this.#underWay += 1;
    this.max = Math.max(this.max, this.#underWay);
    // The later ones end first.
    for (let turn = 0; turn < 1000 - item; turn += 1) await Promise.resolve();
    this.#underWay -= 1;
    return item;
  };
}

async function all(items: AsyncIterable<number>): Promise<number[]> {
  const taken: number[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

describe("readAhead()", () => {
  it("gives everything in order, and reads at most 32 at once", async () => {
    const reads = new Reads();
    assert.deepEqual(await all(readAhead(numbers(300), reads.read)), numbers(300));
    assert.deepEqual(reads.started, numbers(300));
    assert.equal(reads.max, 32);
  });

  it("has read at most twice as many as were taken, and one, and asks for no more when nobody does", async () => {
    for (const wanted of [1, 2, 5, 20]) {
      const reads = new Reads();
      let isLeft = false;
      const items = function* (): Generator<number> {
        try {
          for (let number = 0; ; number += 1) yield number;
        } finally {
          isLeft = true;
        }
      };
      for await (const item of readAhead(items(), reads.read)) if (item === wanted - 1) break;
      assert.ok(reads.started.length <= 2 * wanted + 1, `${reads.started.length} of ${wanted}`);
      assert.ok(isLeft);
    }
  });

  it("throws what a read has thrown in its place, and what the source has thrown behind everything before", async () => {
    const taken: number[] = [];
    const failing = async (item: number): Promise<number> => {
      if (item % 10 === 9) throw new Error(`no ${item}`);
      return item;
    };
    await assert.rejects(async () => {
      for await (const item of readAhead(numbers(100), failing)) taken.push(item);
    }, /no 9$/);
    assert.deepEqual(taken, numbers(9));

    async function* broken(): AsyncGenerator<number> {
      yield* numbers(50);
      throw new Error("no more");
    }
    taken.length = 0;
    await assert.rejects(async () => {
      for await (const item of readAhead(broken(), new Reads().read)) taken.push(item);
    }, /no more/);
    assert.deepEqual(taken, numbers(50));
  });
});
