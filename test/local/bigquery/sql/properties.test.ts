import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { QueryError, translate } from "../../../../local/bigquery/sql/translate.ts";
import { openDatabase, resolveTable } from "./database.ts";
import type { Database } from "./database.ts";

let database: Database;
before(async () => {
  database = await openDatabase();
});
after(() => database.close());

const anyText = fc.string({
  unit: fc.oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    fc.constantFrom("'", '"', "\\", "\n", "\0", "`", "$1", "--"),
  ),
});

/** A text as a GoogleSQL literal in one of the forms that can hold it. */
function quote(text: string, style: number): string {
  const mark = ["'", '"', "'''", '"""'][style % 4] ?? "'";
  let body = text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll('"', '\\"');
  body = body.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\0", "\\x00");
  return `${mark}${body}${mark}`;
}

function attempt(statement: string): unknown {
  const context = { projectId: "p", parameters: [], parameterMode: "NONE", resolveTable } as const;
  try {
    return translate(statement, context).sql;
  } catch (error) {
    return error;
  }
}

test("translate() - every text comes back from a string literal as it was", async () => {
  await fc.assert(
    fc.asyncProperty(anyText, fc.nat(3), async (text, style) => {
      assert.equal(await database.value(`SELECT ${quote(text, style)}`), text);
    }),
    { numRuns: 200 },
  );
});

test("translate() - every name comes back from backticks as it was", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme-ascii", minLength: 1 }), async (name) => {
      const quoted = name.replaceAll("\\", "\\\\").replaceAll("`", "\\`");
      assert.deepEqual(await database.columns(`SELECT 1 AS \`${quoted}\``), [name]);
    }),
    { numRuns: 100 },
  );
});

const fragments = fc.constantFrom(
  ..."SELECT FROM WHERE GROUP BY ORDER LIMIT ( ) [ ] , . * + - / = < > || AND OR NOT IN IS NULL CASE WHEN THEN END AS x y t".split(
    " ",
  ),
  ..."conversations seq log_id 1 2.5 'a' `b` @p ? COUNT( SUM( OVER PARTITION UNNEST STRUCT ARRAY < > EXTRACT( CAST( SAFE. INTERVAL DATE".split(
    " ",
  ),
  ..."JOIN ON USING UNION ALL DISTINCT WITH HAVING QUALIFY WINDOW ROWS BETWEEN EXCEPT REPLACE b'\\xff' r'\\' /* */ -- # ; => |> $ \\ \0".split(
    " ",
  ),
);

test("translate() - random tokens are translated or refused, and nothing else", () => {
  fc.assert(
    fc.property(fc.array(fragments, { maxLength: 40 }), (tokens) => {
      const result = attempt(`SELECT ${tokens.join(" ")}`);
      assert.ok(typeof result === "string" || result instanceof QueryError, String(result));
    }),
    { numRuns: 3000 },
  );
});

test("translate() - random characters are translated or refused, and nothing else", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (garbage) => {
      for (const statement of [garbage, `SELECT ${garbage}`, `SELECT 1 FROM ${garbage}`]) {
        const result = attempt(statement);
        assert.ok(typeof result === "string" || result instanceof QueryError, String(result));
      }
    }),
    { numRuns: 1000 },
  );
});

test("translate() - columns may be called like the parameters of the macros that stand behind functions", async () => {
  const from = `FROM (SELECT 'x' AS s, 2 AS p, 1 AS n, 3 AS x, 2 AS y, '{"a": 1}' AS j, [1, 2] AS a, 1 AS i, 'z' AS e,
    DATE '2024-01-01' AS d, DATE '2024-01-02' AS u, 'c' AS c, 5 AS bq_element, 'utf' AS f, 2 AS step, ['q', NULL] AS list)`;
  const values = `SUBSTR(s, n, p) || LPAD(s, p, e), DIV(x, y), MOD(x, p), x / y, JSON_VALUE(j, '$.a'), a[OFFSET(i)],
    ARRAY_TO_STRING(list, ',', e), ARRAY_LENGTH(GENERATE_DATE_ARRAY(d, u)), CAST(y AS STRING), IF(x > y, s, e),
    GENERATE_ARRAY(n, x, step), ARRAY_LENGTH(GENERATE_DATE_ARRAY(d, u, INTERVAL step DAY)), TO_CODE_POINTS(c)`;
  assert.deepEqual(await database.rows(`SELECT ${values} ${from}`), [
    ["xzx", "1", "1", 1.5, "1", "2", "q,z", "2", "2", "x", ["1", "3"], "1", ["99"]],
  ]);
});

test("translate() - a long expression is translated into SQL that is not much longer", () => {
  const sum = `SELECT ${"seq + ".repeat(200)}1 FROM agent_logs.conversations`;
  const nested = `SELECT ${"IF(done, ".repeat(30)}seq${", 0)".repeat(30)} * 2 FROM agent_logs.conversations`;
  for (const statement of [sum, nested]) {
    const sql = attempt(statement);
    assert.ok(typeof sql === "string" && sql.length < statement.length * 20, String(sql).slice(0, 200));
  }
});

test("translate() - long expressions are bound without being repeated", async () => {
  const sum = `SELECT ${"seq + ".repeat(100)}1 FROM conversations ORDER BY log_id LIMIT 1`;
  assert.deepEqual(await database.rows(sum), [["101"]]);
  const nested = `SELECT ${"LOWER(".repeat(20)}IF(done, log_id, 'x')${")".repeat(20)} FROM conversations ORDER BY log_id LIMIT 1`;
  assert.deepEqual(await database.rows(nested), [["l1"]]);
  const casts = `SELECT ${"CAST(CAST(".repeat(3)}seq${" AS STRING) AS INT64)".repeat(3)} FROM conversations ORDER BY log_id LIMIT 1`;
  assert.deepEqual(await database.rows(casts), [["1"]]);
});
