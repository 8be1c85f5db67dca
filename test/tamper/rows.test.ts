import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { FindingCode } from "@indelible/ledger/findings.ts";
import type { Verification } from "@indelible/ledger/verify.ts";
import { assertFound, foundOf, logAndSeal } from "./attack.ts";
import { Arena, conversation, logIdOf, MINUTE } from "./world.ts";

/** An attack on the row `row`, and on `other` beside it where one is not enough. */
interface Attack {
  readonly name: string;
  readonly statements: (row: string, other: string) => readonly string[];
  /** The row and the other one are the numbers 1 and 2 of one publisher; otherwise each is the only one of its own. */
  readonly ofOnePublisher?: true;
  /** What is found of the row, of the other one, and of the one with the log_id `forged`. */
  readonly row?: readonly FindingCode[];
  readonly other?: readonly FindingCode[];
  readonly forged?: readonly FindingCode[];
  /** What the first finding of them says. */
  readonly says: RegExp;
}

const HASH = '"[0-9a-f]{64}"';
const TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z";
const NOT_ITS_HASH = new RegExp(`^the entry has the hash [0-9a-f]{64}, entry_hash says ${HASH}$`);
const OTHER_HASH = new RegExp(`^entry_hash was ${HASH} when it was sealed and is ${HASH}$`);
const GONE = new RegExp(`^the row that was sealed at ${TIME} is gone$`);
const WITHOUT_IT = new RegExp(`^a row at ${TIME} stands in a window that was sealed without it$`);
const OUTSIDE = new RegExp(`^a row at ${TIME} stands outside every sealed window$`);
const MORE_OFTEN = /^the row that was sealed is there more often than it was$/;

const update = (set: string) => (row: string) => [`UPDATE conversations SET ${set} WHERE log_id = '${row}'`];
const withHash = (entry: string): string => `entry = ${entry}, entry_hash = TO_HEX(SHA256(${entry}))`;
const changed = `REPLACE(entry, '"completed"', '"error"')`;

/** A copy of the row with these columns in place of its own. */
const copy = (row: string, replace: string): string =>
  `INSERT INTO conversations SELECT * ${replace === "" ? "" : `REPLACE (${replace})`} FROM conversations WHERE log_id = '${row}'`;

/** The log_id of what is put beside the row. */
function forgedOf(row: string): string {
  return row.replace("-8000-", "-9000-");
}

/** As a row of the forged log_id would have it that came in the normal way. */
function forgedColumns(row: string): string {
  const entry = `REPLACE(entry, log_id, '${forgedOf(row)}')`;
  return `'${forgedOf(row)}' AS log_id, ${entry} AS entry, TO_HEX(SHA256(${entry})) AS entry_hash`;
}

const attacks: readonly Attack[] = [
  {
    name: "a value is changed in the column and in the entry",
    statements: update(`status = 'error', entry = ${changed}`),
    row: ["modified"],
    says: NOT_ITS_HASH,
  },
  {
    name: "a value is changed in the column, in the entry and in its hash",
    statements: update(`status = 'error', ${withHash(changed)}`),
    row: ["modified"],
    says: OTHER_HASH,
  },
  {
    name: "a value is changed in the entry and in its hash",
    statements: update(withHash(changed)),
    row: ["projection-differs", "modified"],
    says: /"status" does not say/,
  },
  {
    name: "white space of the entry",
    statements: update(`entry = REPLACE(entry, ':', ': ')`),
    row: ["modified"],
    says: NOT_ITS_HASH,
  },
  {
    name: "white space of the entry, with its hash",
    statements: update(withHash(`CONCAT(entry, ' ')`)),
    row: ["modified"],
    says: OTHER_HASH,
  },
  {
    name: "a key of the entry is renamed",
    statements: update(`entry = REPLACE(entry, '"status"', '"error_message"')`),
    row: ["modified"],
    says: NOT_ITS_HASH,
  },
  {
    name: "a key is added to the entry that no column has, with its hash",
    statements: update(withHash(`CONCAT('{"_":1,', SUBSTR(entry, 2))`)),
    row: ["projection-differs", "modified"],
    says: /"_" does not say/,
  },
  {
    name: "the entry of another row",
    statements: (row, other) => [
      `UPDATE conversations SET entry = (SELECT MAX(entry) FROM conversations WHERE log_id = '${other}') WHERE log_id = '${row}'`,
    ],
    row: ["modified"],
    says: NOT_ITS_HASH,
  },
  {
    name: "the entry of another row, with its hash",
    statements: (row, other) => [
      `UPDATE conversations SET entry = (SELECT MAX(entry) FROM conversations WHERE log_id = '${other}'), entry_hash = (SELECT MAX(entry_hash) FROM conversations WHERE log_id = '${other}') WHERE log_id = '${row}'`,
    ],
    row: ["projection-differs", "modified"],
    says: /^entry_hash was /,
  },
  { name: "an entry that is no JSON", statements: update("entry = 'x'"), row: ["modified"], says: NOT_ITS_HASH },
  {
    name: "an entry that is no JSON, with its hash",
    statements: update(withHash("'{'")),
    row: ["projection-differs", "modified"],
    says: /"entry" does not say/,
  },
  { name: "an empty entry", statements: update("entry = ''"), row: ["modified"], says: NOT_ITS_HASH },
  {
    name: "the hash is changed",
    statements: update(`entry_hash = '${"0".repeat(64)}'`),
    row: ["modified"],
    says: NOT_ITS_HASH,
  },
  {
    name: "the hash is written in capitals",
    statements: update("entry_hash = UPPER(entry_hash)"),
    row: ["modified"],
    says: /entry_hash says "[0-9A-F]{64}"$/,
  },
  {
    name: "message_id is changed",
    statements: update("message_id = '0'"),
    row: ["modified"],
    says: /^message_id was "\d+" when it was sealed and is "0"$/,
  },
  {
    name: "published_at is backdated",
    statements: update("published_at = TIMESTAMP '2026-01-01 00:00:00+00'"),
    row: ["modified"],
    says: new RegExp(`^published_at was ${TIME} when it was sealed and is 2026-01-01T00:00:00.000000Z$`),
  },
  {
    name: "published_at and message_id are changed",
    statements: update("published_at = TIMESTAMP '9999-12-31 23:59:59.999999+00', message_id = ''"),
    row: ["modified"],
    says: new RegExp(
      `^published_at was ${TIME} when it was sealed and is 9999-12-31T23:59:59.999999Z; message_id was "\\d+" when it was sealed and is ""$`,
    ),
  },
  {
    name: "log_id is changed",
    statements: (row) => update(`log_id = '${forgedOf(row)}'`)(row),
    row: ["missing"],
    forged: ["projection-differs", "extra"],
    says: GONE,
  },
  {
    name: "log_id is changed, in the entry and its hash too",
    statements: (row) =>
      update(`log_id = '${forgedOf(row)}', ${withHash(`REPLACE(entry, log_id, '${forgedOf(row)}')`)}`)(row),
    row: ["missing"],
    forged: ["extra"],
    says: GONE,
  },
  {
    name: "ingested_at is backdated within the window",
    statements: update("ingested_at = TIMESTAMP_SUB(ingested_at, INTERVAL 1 MICROSECOND)"),
    row: ["moved"],
    says: new RegExp(`^ingested_at was ${TIME} when it was sealed and is ${TIME}$`),
  },
  {
    name: "ingested_at is backdated into an earlier window",
    statements: update("ingested_at = TIMESTAMP_SUB(ingested_at, INTERVAL 150 MINUTE)"),
    row: ["moved"],
    says: new RegExp(`^the row was sealed at ${TIME} and stands at ${TIME}$`),
  },
  {
    name: "ingested_at is set to a time before any window",
    statements: update("ingested_at = TIMESTAMP '1969-12-31 23:59:59.999999+00'"),
    row: ["moved"],
    says: /stands at 1969-12-31T23:59:59\.999999Z$/,
  },
  {
    name: "ingested_at is set to the first year",
    statements: update("ingested_at = TIMESTAMP '0001-01-01 00:00:00+00'"),
    row: ["moved"],
    says: /stands at 0001-01-01T00:00:00\.000000Z$/,
  },
  {
    name: "ingested_at is set to the last moment",
    statements: update("ingested_at = TIMESTAMP '9999-12-31 23:59:59.999999+00'"),
    row: ["moved"],
    says: /stands at 9999-12-31T23:59:59\.999999Z$/,
  },
  {
    name: "it is deleted",
    statements: (row) => [`DELETE FROM conversations WHERE log_id = '${row}'`],
    row: ["missing"],
    says: GONE,
  },
  {
    name: "it and its neighbour exchange their times",
    statements: (row, other) => exchange(row, other, "ingested_at"),
    row: ["moved"],
    other: ["moved"],
    says: new RegExp(`^ingested_at was ${TIME}`),
  },
  {
    name: "it and its neighbour exchange their contents",
    statements: (row, other) =>
      exchange(row, other, "entry", "entry_hash", "conversation_id", "status", "user_prompt_preview"),
    row: ["projection-differs", "modified"],
    other: ["projection-differs", "modified"],
    says: /"log_id" does not say/,
  },
  {
    name: "it and its neighbour exchange their places, with message and sequence number",
    statements: (row, other) =>
      exchange(row, other, "ingested_at", "published_at", "message_id", "seq", "publisher_id"),
    row: ["projection-differs", "moved"],
    other: ["projection-differs", "moved"],
    says: /"publisher_id" does not say/,
  },
  {
    name: "it and the next one of its publisher exchange their sequence numbers, in the entry, its hash and the column",
    ofOnePublisher: true,
    statements: (row, other) => [...renumber(row, 1, 2), ...renumber(other, 2, 1)],
    row: ["modified"],
    other: ["modified"],
    says: OTHER_HASH,
  },
  {
    name: "the column seq is changed to a number that is there already",
    ofOnePublisher: true,
    statements: (_, other) => update("seq = 1")(other),
    other: ["projection-differs"],
    says: /"seq" does not say/,
  },
  {
    name: "the column seq is emptied",
    statements: update("seq = NULL"),
    row: ["projection-differs"],
    says: /"seq" does not say/,
  },
  {
    name: "the column publisher_id is changed to another publisher",
    statements: update("publisher_id = 'agent'"),
    row: ["projection-differs"],
    says: /"publisher_id" does not say/,
  },
  {
    name: "a forged row is put into its window, with a right hash",
    statements: (row) => [copy(row, forgedColumns(row))],
    forged: ["extra"],
    says: WITHOUT_IT,
  },
  {
    name: "a forged row is put before any window",
    statements: (row) => [copy(row, `${forgedColumns(row)}, TIMESTAMP '1969-06-01 00:00:00+00' AS ingested_at`)],
    forged: ["extra"],
    says: OUTSIDE,
  },
  {
    name: "a forged row is put far into the future",
    statements: (row) => [copy(row, `${forgedColumns(row)}, TIMESTAMP '2099-01-01 00:00:00+00' AS ingested_at`)],
    forged: ["extra"],
    says: OUTSIDE,
  },
  { name: "it is copied exactly", statements: (row) => [copy(row, "")], row: ["duplicated"], says: MORE_OFTEN },
  {
    name: "it is copied exactly, three times over",
    statements: (row) => [copy(row, ""), copy(row, "")],
    row: ["duplicated", "duplicated", "duplicated"],
    says: MORE_OFTEN,
  },
  {
    name: "it is copied a moment later",
    statements: (row) => [copy(row, "TIMESTAMP_ADD(ingested_at, INTERVAL 1 MICROSECOND) AS ingested_at")],
    row: ["extra"],
    says: WITHOUT_IT,
  },
  {
    name: "it is copied into the future, and deleted",
    statements: (row) => [
      copy(row, "TIMESTAMP '2099-01-01 00:00:00+00' AS ingested_at"),
      `DELETE FROM conversations WHERE log_id = '${row}' AND ingested_at < TIMESTAMP '2099-01-01 00:00:00+00'`,
    ],
    row: ["moved"],
    says: /stands at 2099-01-01T00:00:00\.000000Z$/,
  },
  {
    name: "a row with its log_id and other content is put beside it",
    statements: (row) => [
      copy(row, `'error' AS status, ${changed} AS entry, TO_HEX(SHA256(${changed})) AS entry_hash`),
    ],
    row: ["extra", "conflict"],
    says: WITHOUT_IT,
  },
  {
    name: "it is put into another table",
    statements: (row) => intoThoughts(row),
    row: ["moved", "projection-differs"],
    says: /stands in thinking_logs at/,
  },
  {
    name: "it is put into another table, and stays in its own",
    statements: (row) => intoThoughts(row).slice(0, 1),
    row: ["extra", "projection-differs"],
    says: /stands in a window that was sealed without it$/,
  },
];

/** Exchanges these columns of two rows. */
function exchange(row: string, other: string, ...columns: readonly string[]): string[] {
  const ofOther = (column: string): string =>
    `(SELECT ANY_VALUE(x.${column}) FROM conversations AS x WHERE x.log_id = IF(t.log_id = '${row}', '${other}', '${row}'))`;
  const set = columns.map((column) => `${column} = ${ofOther(column)}`).join(", ");
  return [`UPDATE conversations AS t SET ${set} WHERE log_id IN ('${row}', '${other}')`];
}

/** Gives a row another sequence number, so that everything in it agrees. */
function renumber(row: string, from: number, to: number): string[] {
  return update(`seq = ${to}, ${withHash(`REPLACE(entry, '"seq":${from},', '"seq":${to},')`)}`)(row);
}

function intoThoughts(row: string): string[] {
  const system = "log_id, publisher_id, seq, published_at, message_id, ingested_at, schema_version, entry, entry_hash";
  return [
    `INSERT INTO thinking_logs (thinking_id, conversation_id, business_id, agent_position, timestamp, ${system})
     SELECT conversation_id AS thinking_id, conversation_id, business_id, agent_position, started_at, ${system} FROM conversations WHERE log_id = '${row}'`,
    `DELETE FROM conversations WHERE log_id = '${row}'`,
  ];
}

const rowOf = (at: number): string => logIdOf(1000 + 2 * at);
const otherOf = (at: number): string => logIdOf(1001 + 2 * at);

describe("the admin changes a sealed row", () => {
  const arena = new Arena();
  let verification: Verification;
  before(async () => {
    await arena.start();
    const world = await (await arena.world()).fill();
    const rows = attacks.flatMap(({ ofOnePublisher }, at) => {
      const numbered = (seq: number) => (ofOnePublisher === true ? { publisher_id: `publisher of ${at}`, seq } : {});
      return [[rowOf(at), numbered(1)] as const, [otherOf(at), numbered(2)] as const];
    });
    await logAndSeal(
      world,
      rows.map(
        ([row, number]) => ["conversations", row, { ...conversation(`of row ${row.slice(-4)}`), ...number }] as const,
      ),
    );
    assertFound(await world.verify());
    // What is backdated beyond its retention would be gone at once, and missing: see retention.test.ts.
    await world.retain("conversations", undefined);
    for (const [at, { statements }] of attacks.entries()) {
      for (const statement of statements(rowOf(at), otherOf(at))) await world.admin(statement);
    }
    world.nowMs += MINUTE;
    verification = await world.verify();
  });
  after(() => arena.stop());

  for (const [at, { name, row = [], other = [], forged = [], says }] of attacks.entries()) {
    it(name, () => {
      const [ofRow, ofOther, ofForged] = [rowOf(at), otherOf(at), forgedOf(rowOf(at))].map((id) =>
        foundOf(verification, id),
      );
      const codes = [ofRow, ofOther, ofForged].map((of) => of?.map(({ code }) => code).sort());
      assert.deepEqual(
        codes,
        [row, other, forged].map((of) => of.toSorted()),
      );
      const all = [...(ofRow ?? []), ...(ofOther ?? []), ...(ofForged ?? [])];
      assert.ok(
        all.some(({ message }) => says.test(message)),
        all.map(({ message }) => message).join("\n"),
      );
    });
  }

  it("and nothing else is found", () => {
    const rows = new Set(attacks.flatMap((_, at) => [rowOf(at), otherOf(at), forgedOf(rowOf(at))]));
    const others = verification.findings.filter(({ logId }) => !rows.has(logId ?? ""));
    assert.deepEqual(others, []);
  });
});
