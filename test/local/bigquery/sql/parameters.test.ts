import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { translate } from "../../../../local/bigquery/sql/translate.ts";
import type { QueryParameter, QueryParameterType } from "../../../../local/bigquery/sql/translate.ts";
import { openDatabase, resolveTable } from "./database.ts";
import type { Database } from "./database.ts";

let database: Database;
before(async () => {
  database = await openDatabase();
});
after(() => database.close());

const named = (type: QueryParameterType, value: unknown): QueryParameter => ({ name: "x", type, value });
const scalar = (type: string, value: string | null): QueryParameter => named({ type }, { value });

/** A parameter, an expression over it, and the expression's value. */
const cases: readonly (readonly [QueryParameter, string, unknown])[] = [
  [scalar("INT64", "-9223372036854775808"), "@x", "-9223372036854775808"],
  [scalar("FLOAT64", "-inf"), "@x < 0 AND IS_INF(@X)", true],
  [scalar("BOOL", "true"), "NOT @x", false],
  [scalar("BYTES", "/+A="), "TO_HEX(@x)", "ffe0"],
  [scalar("TIMESTAMP", "2024-05-15T15:00:00.123456Z"), "CAST(@x AS STRING)", "2024-05-15 15:00:00.123456+00"],
  [scalar("TIMESTAMP", "2024-05-15 15:00:00+02:00"), "UNIX_SECONDS(@x)", "1715778000"],
  [scalar("DATE", "2024-05-15"), "DATE_ADD(@x, INTERVAL 1 DAY) = '2024-05-16'", true],
  [scalar("DATETIME", "2024-05-15T15:00:00.5"), "CAST(@x AS STRING)", "2024-05-15 15:00:00.500"],
  [scalar("NUMERIC", "-12345678901234567890.5"), "CAST(@x AS STRING)", "-12345678901234567890.5"],
  [scalar("JSON", '{"a": [1]}'), "JSON_VALUE(@x, '$.a[0]')", "1"],
  [scalar("STRING", null), "@x IS NULL", true],
  [scalar("STRING", "$.a"), `JSON_VALUE('{"a": 1}', @x)`, "1"],
  [scalar("INT64", "2"), "SELECT seq FROM conversations ORDER BY seq DESC LIMIT 1 OFFSET @x", "1"],
  [scalar("STRING", "2024-05-15"), "DATE(TIMESTAMP '2024-05-15 10:00:00') = @x", true],
  [scalar("STRING", "2024-05-15 15:30:00"), "SELECT COUNT(*) FROM conversations WHERE logged_at > @x", "1"],
  [
    named({ type: "ARRAY", arrayType: { type: "INT64" } }, { arrayValues: [{ value: "1" }, { value: "4" }] }),
    "SELECT COUNT(*) FROM conversations WHERE seq IN UNNEST(@x)",
    "2",
  ],
  [named({ type: "ARRAY", arrayType: { type: "STRING" } }, { arrayValues: [] }), "ARRAY_LENGTH(@x)", "0"],
  [
    named(
      {
        type: "STRUCT",
        structTypes: [
          { name: "a", type: { type: "INT64" } },
          { name: "b", type: { type: "JSON" } },
        ],
      },
      { structValues: { a: { value: "7" }, b: { value: "[1]" } } },
    ),
    "@x.a + INT64(@x.b[0])",
    "8",
  ],
];

for (const [parameter, sql, expected] of cases) {
  test(`translate() - parameter ${JSON.stringify(parameter.type)} in ${sql}`, async () => {
    const rows = await database.rows(sql.startsWith("SELECT") ? sql : `SELECT ${sql}`, [parameter]);
    assert.deepEqual(rows[0]?.[0], expected);
  });
}

test("translate() - positional parameters are taken in the order of their question marks", async () => {
  const positional = ["a", "b"].map((value): QueryParameter => ({ type: { type: "STRING" }, value: { value } }));
  assert.deepEqual(await database.rows("SELECT ? || 'x', ?", positional), [["ax", "b"]]);
});

test("translate() - a named parameter is bound once, however often it stands there", () => {
  const context = {
    projectId: "p",
    parameterMode: "NAMED",
    resolveTable,
    parameters: [scalar("STRING", "'; --")],
  } as const;
  const { sql, bindings } = translate("SELECT @x, @X, @x", context);
  assert.equal(bindings.length, 1);
  assert.ok(!sql.includes("--"));
});

test("translate() - a parameter whose value is not of its type is refused", async () => {
  for (const [type, value] of [
    ["INT64", "1.5"],
    ["BOOL", "yes"],
    ["DATE", "2024-02-30"],
    ["TIMESTAMP", "now"],
    ["FLOAT64", "NaN"],
    ["NUMERIC", "1e5"],
    ["JSON", "{"],
    ["BYTES", "?"],
    ["GEOGRAPHY", "x"],
  ]) {
    await assert.rejects(database.rows("SELECT @x", [scalar(type ?? "", value ?? "")]), {
      name: "QueryError",
      reason: "invalid",
    });
  }
});

test("translate() - every text comes back from a STRING parameter as it was", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
      assert.equal(await database.value("SELECT @x", [scalar("STRING", text)]), text);
    }),
    { numRuns: 100 },
  );
});

test("translate() - every INT64 and FLOAT64 comes back from a parameter as it was", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.double({ noNaN: true }),
      async (whole, real) => {
        assert.equal(await database.value("SELECT @x", [scalar("INT64", String(whole))]), whole);
        assert.equal(await database.value("SELECT @x", [scalar("FLOAT64", String(real))]), Number(String(real)));
      },
    ),
    { numRuns: 50 },
  );
});
