import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

/** Tables of docs/ whose head has a price, and quantities each with an amount beside it. */
function costTables(document: string): { readonly head: string[]; readonly rows: string[][] }[] {
  const text = readFileSync(fileURLToPath(new URL(`../../docs/${document}`, import.meta.url)), "utf8");
  const cells = (line: string): string[] =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  return [...text.matchAll(/^ *\|.*\bprice \|.*\n *\|[-|]+\n((?: *\|.*\n)+)/gm)].map(([table]) => {
    const [head = "", , ...rows] = table.trimEnd().split("\n");
    return { head: cells(head), rows: rows.map(cells) };
  });
}

const numberOf = (cell: string | undefined): number => Number(/[\d,.]+/.exec(cell ?? "")?.[0].replaceAll(",", ""));

describe("what things cost", () => {
  for (const document of ["deploy.md", "scale.md"]) {
    it(`${document} - quantity times price is the amount, and the amounts make the sum`, () => {
      const found = costTables(document);
      assert.ok(found.length > 0);
      for (const { head, rows } of found) {
        const price = head.indexOf("price");
        for (const at of head.keys()) {
          if (!head[at]?.startsWith("amount")) continue;
          const quantity = at - 1 === price ? at - 2 : at - 1;
          let sum = 0;
          for (const row of rows.slice(0, -1)) {
            const amount = numberOf(row[at]);
            const exact = numberOf(row[quantity]) * numberOf(row[price]);
            assert.ok(Math.abs(exact - amount) <= 0.005_001, `${row[0]}: ${exact} is not ${row[at]}`);
            sum += amount;
          }
          assert.equal(sum.toFixed(2), numberOf(rows.at(-1)?.[at]).toFixed(2), `sum of ${head[at]}`);
        }
      }
    });
  }
});
