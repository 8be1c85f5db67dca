import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { latestNumber } from "@indelible/ledger/numbered.ts";

const nameOf = (number: number): string => `n/${String(number).padStart(12, "0")}`;

/** A series of so many objects, of which `grow` are added at each look. */
function series(count: number, grow = 0): { looks: number; size: number; has(name: string): Promise<boolean> } {
  return {
    looks: 0,
    size: count,
    async has(name) {
      this.looks += 1;
      this.size += grow;
      return Number(name.slice(2)) < this.size;
    },
  };
}

describe("latestNumber()", () => {
  it("is the last one of every length up to 200, and none of an empty series", async () => {
    assert.equal(await latestNumber(series(0), nameOf), undefined);
    for (let count = 1; count <= 200; count += 1) assert.equal(await latestNumber(series(count), nameOf), count - 1);
  });

  it("looks at few objects of many", async () => {
    const many = series(500_000);
    assert.equal(await latestNumber(many, nameOf), 499_999);
    assert.ok(many.looks <= 40, String(many.looks));
    const most = series(999_999_999_999);
    assert.equal(await latestNumber(most, nameOf), 999_999_999_998);
    assert.ok(most.looks <= 80, String(most.looks));
  });

  it("is one that was the last at some moment when the series grows meanwhile", async () => {
    const growing = series(100, 1);
    const latest = (await latestNumber(growing, nameOf)) ?? -1;
    assert.ok(latest >= 99 && latest < growing.size);
  });
});
