import { IndelibleError } from "@indelible/schemas/errors.ts";
import { viewRelations } from "@indelible/schemas/relations.ts";
import { tableNames, tables, type TableName } from "@indelible/schemas/tables.ts";
import type { Patience } from "../retry.ts";
import { rowsOf, type PlainRow, type Warehouse } from "../warehouse.ts";

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
 * found in a fraction of the time.
 *
 * @param only the table; undefined: all
 * @throws ERR_QUERY, ERR_DEADLINE
 */
async function candidates(
  warehouse: Warehouse,
  id: string,
  only: TableName | undefined,
  patience?: Patience,
): Promise<Found[]> {
  const { arrivals } = viewRelations(warehouse.bigquery.projectId, warehouse.datasets);
  const branchesWhere = (conditionOn: (column: string) => string): string[] => {
    const branch = (what: Found["what"], name: TableName, column: string, entity: string): string =>
      `SELECT '${what}' AS what, '${name}' AS table_name, ${column} AS id, ${entity} AS entity_id FROM ${arrivals(name)} WHERE ${conditionOn(column)}`;
    return (only === undefined ? tableNames : [only]).flatMap((name) => [
      branch("entry", name, "log_id", tables[name].entity),
      branch("entity", name, tables[name].entity, tables[name].entity),
      ...(name === "dead_letters" ? [branch("dead letter", name, "source_log_id", "dead_letter_id")] : []),
    ]);
  };
  const ask = async (query: string): Promise<Found[]> =>
    (await rowsOf(warehouse, { query, params: { id } }, patience)).map(foundOf).toSorted(inOrder);
  const exact = await ask(grouped(branchesWhere((column) => `${column} = @id`).join("\nUNION ALL\n")));
  if (exact.length > 0) return exact;
  const beginning = branchesWhere((column) => `STARTS_WITH(${column}, @id)`);
  const some = beginning.map((rows) => `SELECT * FROM (${grouped(rows)} ORDER BY id LIMIT ${maxCandidates + 1})`);
  return ask(some.join("\nUNION ALL\n"));
}

/** Copies of an entry that conflict may name several entities: then it is none's for certain. */
function grouped(rows: string): string {
  return `SELECT what, table_name, id, IF(what = 'entry' AND MIN(entity_id) != MAX(entity_id), '', MIN(entity_id)) AS entity_id
FROM (${rows}) GROUP BY what, table_name, id`;
}

const kinds: readonly Found["what"][] = ["entry", "entity", "dead letter"];

function inOrder(a: Found, b: Found): number {
  const byTable = tableNames.indexOf(a.table) - tableNames.indexOf(b.table);
  return byTable || kinds.indexOf(a.what) - kinds.indexOf(b.what) || (a.id < b.id ? -1 : 1);
}

function foundOf(row: PlainRow): Found {
  return {
    what: row["what"] as Found["what"],
    table: row["table_name"] as TableName,
    id: String(row["id"]),
    entityId: String(row["entity_id"]),
  };
}

/**
 * The one thing that `id` is. A log_id before the dead letter that it was.
 *
 * @throws ERR_NOT_FOUND when there is none, or several; ERR_QUERY, ERR_DEADLINE
 */
export async function findOne(warehouse: Warehouse, id: string, only?: TableName, patience?: Patience): Promise<Found> {
  if (id.length < MIN_PREFIX) {
    throw new IndelibleError("ERR_NOT_FOUND", `${id} is too short for an ID`, {
      hint: `Give at least ${MIN_PREFIX} characters of it.`,
    });
  }
  const found = await candidates(warehouse, id, only, patience);
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
