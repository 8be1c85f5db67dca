import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";

/** The queries that this project's own views, reports and documents are made of. */
const cases: readonly { name: string; sql: string; expected: unknown[][] }[] = [
  {
    name: "the history view collapses duplicates and flags conflicts",
    sql: `SELECT * EXCEPT (payload, raw, inner_value, entry, options_considered, local_time, price, done, day, ended_at,
            logged_at, published_at, cost_usd, tokens, agent_position, conversation_id, publisher_id, entry_hash),
            MIN(entry_hash) OVER (PARTITION BY conversation_id) != MAX(entry_hash) OVER (PARTITION BY conversation_id) AS conflict
          FROM \`p.agent_logs.conversations\` WHERE TRUE
          QUALIFY ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY published_at, log_id) = 1 ORDER BY log_id`,
    expected: [
      ["l1", "1", true],
      ["l3", "4", false],
    ],
  },
  {
    name: "the entity view takes the latest value of each column that is not NULL",
    sql: `SELECT conversation_id, LAST_VALUE(ended_at IGNORE NULLS) OVER latest AS ended_at,
            LAST_VALUE(IF(ARRAY_LENGTH(options_considered) = 0, NULL, options_considered) IGNORE NULLS) OVER latest AS options_considered
          FROM \`p.agent_logs.conversations\` WHERE TRUE
          QUALIFY ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY COALESCE(logged_at, published_at) DESC, seq DESC, log_id DESC) = 1
          WINDOW latest AS (PARTITION BY conversation_id ORDER BY COALESCE(logged_at, published_at), seq, log_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
          ORDER BY conversation_id`,
    expected: [
      ["c1", "2024-05-15 17:00:00+00", ["x", "y"]],
      ["c2", null, null],
    ],
  },
  {
    name: "SHA256 of a STRING hashes its UTF-8 bytes",
    sql: "SELECT COUNTIF(TO_HEX(SHA256(entry)) != entry_hash) FROM conversations",
    expected: [["1"]],
  },
  {
    name: "cost by agent",
    sql: `SELECT agent_position, SUM(cost_usd) AS cost, COUNT(*) AS n FROM agent_logs.conversations
          GROUP BY agent_position ORDER BY cost DESC`,
    expected: [
      ["CEO", 4, "2"],
      ["CFO", null, "1"],
    ],
  },
  {
    name: "gaps in the sequence",
    sql: `SELECT publisher_id, MAX(seq) - MIN(seq) + 1 - COUNT(DISTINCT seq) AS gaps FROM conversations
          GROUP BY publisher_id HAVING gaps > 0`,
    expected: [["p1", "1"]],
  },
  {
    name: "columns against the entry that they were projected from",
    sql: `SELECT log_id FROM conversations
          WHERE CAST(JSON_VALUE(entry, '$.cost') AS FLOAT64) IS DISTINCT FROM cost_usd
          OR TIMESTAMP(JSON_VALUE(entry, '$.started_at')) != logged_at`,
    expected: [["l2"]],
  },
  {
    name: "JSON columns as text",
    sql: "SELECT TO_JSON_STRING(payload) FROM conversations ORDER BY log_id LIMIT 2",
    expected: [['{"a":{"b c":[1,"x"]},"n":7}'], ['{"a":null}']],
  },
];

let database: Database;
before(async () => {
  database = await openDatabase();
});
after(() => database.close());

for (const { name, sql, expected } of cases) {
  test(`translate() - ${name}`, async () => {
    assert.deepEqual(await database.rows(sql), expected);
  });
}

test("translate() - the log_ids of a list that are in no row", async () => {
  const ids = {
    name: "ids",
    type: { type: "ARRAY", arrayType: { type: "STRING" } },
    value: { arrayValues: [{ value: "l1" }, { value: "l9" }] },
  };
  const sql = "SELECT log_id FROM UNNEST(@ids) AS log_id WHERE log_id NOT IN (SELECT log_id FROM conversations)";
  assert.deepEqual(await database.rows(sql, [ids]), [["l9"]]);
});
