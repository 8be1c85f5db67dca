import type { BigQuery } from "@google-cloud/bigquery";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { viewRelations } from "@indelible/schemas/relations.ts";
import { tableNames, tables, type TableName } from "@indelible/schemas/tables.ts";
import type { Patience } from "../retry.ts";
import { rowsOf } from "../warehouse.ts";

/** What an ID, or the beginning of one, is. */
export interface Found {
  /** `entry`: a log_id. `entity`: what several entries share, such as a conversation_id. `dead letter`: the log_id of an event that is one. */
  readonly what: "entry" | "entity" | "dead letter";
  readonly table: TableName;
  /** The whole ID. */
  readonly id: string;
  /** Of a dead letter its dead_letter_id; of an entry empty, if its copies name several entities. */
  readonly entityId: string;
}

/** A shorter beginning would match everything. */
export const MIN_PREFIX = 4;
const maxCandidates = 20;

/**
 * Everything in the log whose ID is `id` or, where there is none, begins with it; 21 of a kind at most. A whole ID is what people have copied, and is
 * found in a quarter of the time.
 *
 * @param only the table; undefined: all
 * @throws ERR_QUERY, ERR_DEADLINE
 */
async function candidates(
  bigquery: BigQuery,
  id: string,
  only: TableName | undefined,
  patience?: Patience,
): Promise<Found[]> {
  const exact = await matching(bigquery, (column) => `${column} = @id`, id, only, patience);
  return exact.length > 0 ? exact : matching(bigquery, (column) => `STARTS_WITH(${column}, @id)`, id, only, patience);
}

async function matching(
  bigquery: BigQuery,
  conditionOn: (column: string) => string,
  id: string,
  only: TableName | undefined,
  patience?: Patience,
): Promise<Found[]> {
  const { arrivals } = viewRelations(bigquery.projectId);
  // Copies of an entry that conflict may name several entities: then it is none's for certain.
  const branch = (what: Found["what"], name: TableName, column: string, entity: string): string =>
    `SELECT * FROM (SELECT '${what}' AS what, '${name}' AS table_name, ${column} AS id, ${
      what === "entry" ? `IF(MIN(${entity}) = MAX(${entity}), MIN(${entity}), '')` : `MIN(${entity})`
    } AS entity_id
FROM ${arrivals(name)} WHERE ${conditionOn(column)} GROUP BY ${column} ORDER BY ${column} LIMIT ${maxCandidates + 1})`;
  const branches = (only === undefined ? tableNames : [only]).flatMap((name) => [
    branch("entry", name, "log_id", tables[name].entity),
    branch("entity", name, tables[name].entity, tables[name].entity),
    ...(name === "dead_letters" ? [branch("dead letter", name, "source_log_id", "dead_letter_id")] : []),
  ]);
  const rows = await rowsOf(bigquery, { query: branches.join("\nUNION ALL\n"), params: { id } }, patience);
  return rows.map((row) => ({
    what: row["what"] as Found["what"],
    table: row["table_name"] as TableName,
    id: String(row["id"]),
    entityId: String(row["entity_id"]),
  }));
}

/**
 * The one thing that `id` is. A log_id before the dead letter that it was.
 *
 * @throws ERR_NOT_FOUND when there is none, or several; ERR_QUERY, ERR_DEADLINE
 */
export async function findOne(bigquery: BigQuery, id: string, only?: TableName, patience?: Patience): Promise<Found> {
  if (id.length < MIN_PREFIX) {
    throw new IndelibleError("ERR_NOT_FOUND", `${id} is too short for an ID`, {
      hint: `Give at least ${MIN_PREFIX} characters of it.`,
    });
  }
  const found = await candidates(bigquery, id, only, patience);
  // What was replayed is an entry now; and a dead letter's entry is what its entity is. An entity that merely has the ID of somebody else's entry,
  // which any agent can log, does not stand in for that.
  const things = found.filter(
    ({ what, table, id: one, entityId }) =>
      !found.some(
        (other) =>
          other.id === one &&
          ((what === "dead letter" && other.what === "entry") ||
            (what === "entry" && other.what === "entity" && other.table === table && other.entityId === entityId)),
      ),
  );
  const [first, ...others] = things;
  if (first === undefined) {
    const where = only === undefined ? "in no table" : `not in ${only}`;
    throw new IndelibleError("ERR_NOT_FOUND", `${id} is ${where}`, {
      hint: "Look at what came last: indelible tail. What was refused: indelible dlq list --all. It takes some seconds from the agent to the log.",
    });
  }
  if (others.length > 0) throw ambiguity(id, things);
  return first;
}

function ambiguity(id: string, things: readonly Found[]): IndelibleError {
  const listed = things.slice(0, maxCandidates).map(({ what, table, id: one }) => `${one} (${what} of ${table})`);
  const more = things.length > maxCandidates ? ", and more" : "";
  const [first] = things;
  const isOneTable = things.every((one) => one.id === id && one.table === first?.table);
  return new IndelibleError("ERR_NOT_FOUND", `${id} may be ${listed.join(", ")}${more}`, {
    hint: isOneTable
      ? `Ask for the row that you mean: indelible query "SELECT * FROM ${first?.table}_history WHERE log_id = '...'".`
      : "Give more of the ID, or the table with --table.",
  });
}
