import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";

const cases: readonly { name: string; sql: string; expected: unknown[][] }[] = [
  { name: "comments of all three kinds", sql: "SELECT 1 -- one\n# two\n/* three\n * / */ + 1", expected: [["2"]] },
  {
    name: "a trailing comma in the SELECT list",
    sql: "SELECT 1 AS a, 2 AS b, FROM conversations LIMIT 1",
    expected: [["1", "2"]],
  },
  { name: "a trailing semicolon", sql: "select log_id from conversations where seq = 1;", expected: [["l1"]] },
  {
    name: "a table by project, dataset and name",
    sql: "SELECT COUNT(*) FROM `p`.agent_logs.conversations",
    expected: [["3"]],
  },
  { name: "columns in any case", sql: "SELECT Log_ID FROM conversations AS C WHERE c.SEQ = 2", expected: [["l2"]] },
  {
    name: "NULLs come first",
    sql: "SELECT tokens FROM conversations ORDER BY tokens",
    expected: [[null], ["100"], ["200"]],
  },
  {
    name: "NULLs come last in descending order",
    sql: "SELECT tokens FROM conversations ORDER BY tokens DESC",
    expected: [["200"], ["100"], [null]],
  },
  {
    name: "NULLS LAST",
    sql: "SELECT tokens FROM conversations ORDER BY 1 NULLS LAST LIMIT 1 OFFSET 1",
    expected: [["200"]],
  },
  {
    name: "an alias overrides a column in ORDER BY",
    sql: "SELECT log_id, -seq AS seq FROM conversations ORDER BY seq LIMIT 1",
    expected: [["l3", "-4"]],
  },
  {
    name: "an alias within an expression of ORDER BY",
    sql: "SELECT seq AS s FROM conversations ORDER BY 0 - s LIMIT 1",
    expected: [["4"]],
  },
  {
    name: "an alias overrides a column in GROUP BY",
    sql: "SELECT LOWER(agent_position) AS agent_position, COUNT(*) AS n FROM conversations GROUP BY agent_position ORDER BY n DESC",
    expected: [
      ["ceo", "2"],
      ["cfo", "1"],
    ],
  },
  {
    name: "a column overrides an alias in WHERE",
    sql: "SELECT 9 AS seq FROM conversations WHERE seq = 2",
    expected: [["9"]],
  },
  {
    name: "HAVING by an alias",
    sql: "SELECT agent_position AS who, COUNT(*) AS n FROM conversations GROUP BY who HAVING n > 1",
    expected: [["CEO", "2"]],
  },
  {
    name: "GROUP BY ordinal",
    sql: "SELECT agent_position, MAX(seq) FROM conversations GROUP BY 1 ORDER BY 1",
    expected: [
      ["CEO", "2"],
      ["CFO", "4"],
    ],
  },
  {
    name: "GROUP BY ALL",
    sql: "SELECT agent_position, MAX(seq) FROM conversations GROUP BY ALL ORDER BY 1",
    expected: [
      ["CEO", "2"],
      ["CFO", "4"],
    ],
  },
  {
    name: "DISTINCT",
    sql: "SELECT DISTINCT agent_position FROM conversations ORDER BY agent_position",
    expected: [["CEO"], ["CFO"]],
  },
  { name: "* REPLACE", sql: "SELECT * REPLACE (a + 1 AS a) FROM (SELECT 1 AS a, 2 AS b)", expected: [["2", "2"]] },
  { name: "t.* EXCEPT", sql: "SELECT t.* EXCEPT (a) FROM (SELECT 1 AS a, 2 AS b) AS t", expected: [["2"]] },
  {
    name: "WITH sees the common tables before it",
    sql: "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS x FROM a) SELECT * FROM B",
    expected: [["2"]],
  },
  {
    name: "UNION ALL and ORDER BY",
    sql: "SELECT 2 AS x UNION ALL SELECT 1 UNION ALL SELECT NULL ORDER BY x",
    expected: [[null], ["1"], ["2"]],
  },
  {
    name: "EXCEPT DISTINCT and INTERSECT DISTINCT",
    sql: "(SELECT 1 AS x UNION ALL SELECT 2) EXCEPT DISTINCT (SELECT 1 INTERSECT DISTINCT SELECT 1)",
    expected: [["2"]],
  },
  {
    name: "LEFT JOIN ON",
    sql: "SELECT a.log_id, b.log_id AS next FROM conversations AS a LEFT JOIN conversations AS b ON a.seq + 1 = b.seq ORDER BY a.log_id",
    expected: [
      ["l1", "l2"],
      ["l2", null],
      ["l3", null],
    ],
  },
  {
    name: "FULL JOIN USING",
    sql: "SELECT x FROM (SELECT 1 AS x) AS a FULL JOIN (SELECT 2 AS x) AS b USING (x) ORDER BY x",
    expected: [["1"], ["2"]],
  },
  {
    name: "comma join of an array column with its offsets",
    sql: "SELECT log_id, o, n FROM conversations AS c, UNNEST(c.options_considered) AS o WITH OFFSET AS n ORDER BY n",
    expected: [
      ["l1", "x", "0"],
      ["l1", "y", "1"],
    ],
  },
  {
    name: "LEFT JOIN UNNEST keeps rows with empty arrays",
    sql: "SELECT log_id, o FROM conversations AS c LEFT JOIN UNNEST(c.options_considered) AS o ORDER BY log_id, o",
    expected: [
      ["l1", "x"],
      ["l1", "y"],
      ["l2", null],
      ["l3", null],
    ],
  },
  {
    name: "an array column as a table",
    sql: "SELECT o FROM conversations AS c, c.options_considered AS o ORDER BY o",
    expected: [["x"], ["y"]],
  },
  {
    name: "UNNEST of structs",
    sql: "SELECT s.a, s.b FROM UNNEST([STRUCT(1 AS a, 'x' AS b)]) AS s",
    expected: [["1", "x"]],
  },
  {
    name: "a struct column's field",
    sql: "SELECT inner_value.b, c.inner_value.a FROM conversations AS c ORDER BY log_id LIMIT 1",
    expected: [["one", "1"]],
  },
  {
    name: "a correlated EXISTS",
    sql: "SELECT log_id FROM conversations AS c WHERE NOT EXISTS (SELECT 1 FROM UNNEST(c.options_considered)) ORDER BY log_id",
    expected: [["l2"], ["l3"]],
  },
  {
    name: "a scalar subquery",
    sql: "SELECT log_id FROM conversations WHERE seq = (SELECT MAX(seq) FROM conversations)",
    expected: [["l3"]],
  },
  {
    name: "ARRAY(subquery)",
    sql: "SELECT ARRAY(SELECT o || '!' FROM UNNEST(c.options_considered) AS o ORDER BY o DESC) FROM conversations AS c ORDER BY log_id LIMIT 1",
    expected: [[["y!", "x!"]]],
  },
  {
    name: "QUALIFY by an alias of the SELECT list",
    sql: "SELECT log_id, RANK() OVER (ORDER BY seq DESC) AS place FROM conversations WHERE TRUE QUALIFY place = 1",
    expected: [["l3", "1"]],
  },
  {
    name: "a frame of rows",
    sql: "SELECT SUM(seq) OVER (ORDER BY seq ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM conversations ORDER BY seq",
    expected: [["1"], ["3"], ["6"]],
  },
  {
    name: "a named window that is extended",
    sql: "SELECT LAG(seq, 1, 0) OVER (w ORDER BY seq) AS before FROM conversations WINDOW w AS (PARTITION BY publisher_id) ORDER BY seq",
    expected: [["0"], ["1"], ["2"]],
  },
  {
    name: "NULLs come first in a window too",
    sql: "SELECT FIRST_VALUE(log_id) OVER (ORDER BY tokens) FROM conversations LIMIT 1",
    expected: [["l3"]],
  },
  {
    name: "STRING_AGG DISTINCT in order",
    sql: "SELECT STRING_AGG(DISTINCT agent_position, ', ' ORDER BY agent_position DESC) FROM conversations",
    expected: [["CFO, CEO"]],
  },
  {
    name: "a text beside a timestamp in COALESCE",
    sql: "SELECT CAST(COALESCE(ended_at, '2024-01-01') AS STRING) FROM conversations WHERE log_id = 'l1'",
    expected: [["2024-01-01 00:00:00+00"]],
  },
  { name: "LIMIT 0", sql: "SELECT 1 FROM conversations LIMIT 0", expected: [] },
];

let database: Database;
before(async () => {
  database = await openDatabase();
});
after(() => database.close());

for (const { name, sql, expected } of cases) {
  test(`translate() - query: ${name}`, async () => {
    assert.deepEqual(await database.rows(sql), expected);
  });
}

test("translate() - an outer join on columns is hashed, in spite of the checks of their types", async () => {
  const join =
    "SELECT COUNT(*) FROM conversations AS a LEFT JOIN conversations AS b ON a.seq = b.seq AND a.log_id = b.log_id";
  const plan = await database.plan(join);
  assert.match(plan, /HASH_JOIN/);
  assert.doesNotMatch(plan, /NL_JOIN/);
});

test("translate() - columns without a name are called f0_, f1_ and so on", async () => {
  const sql = "SELECT 1, seq, 2 AS x, COUNT(*) OVER (), c.inner_value.a FROM conversations AS c";
  assert.deepEqual(await database.columns(sql), ["f0_", "seq", "x", "f1_", "a"]);
});

test("translate() - results have only types that BigQuery has", async () => {
  const sql =
    "SELECT SUM(tokens), COUNT(*), AVG(tokens), SUM(price), 1.5, 7, MAX(seq) - 1, COUNTIF(done) FROM conversations";
  const types = (await database.types(sql)).map(String);
  assert.deepEqual(types, ["BIGINT", "BIGINT", "DOUBLE", "DECIMAL(38,9)", "DOUBLE", "BIGINT", "BIGINT", "BIGINT"]);
});
