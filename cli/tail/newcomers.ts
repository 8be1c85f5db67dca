import { DEFAULT_MARGIN_MS } from "@indelible/ledger/seal.ts";
import { entryLines, lineQuery } from "@indelible/schemas/entry-lines.ts";
import { viewRelations } from "@indelible/schemas/relations.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { lineOf, type Line } from "../explore/line.ts";
import type { Patience } from "../retry.ts";
import { rowsOf, type PlainRow, type Warehouse } from "../warehouse.ts";

/** Which entries. What is undefined restricts nothing. */
export interface TailScope {
  readonly tables: readonly TableName[];
  readonly agent?: string;
  readonly conversation?: string;
}

export interface TailOptions {
  /** An entry may become readable so long after its `ingested_at`. Default: the margin of the sealer, 60 s. */
  readonly overlapMs?: number;
  /** Entries that are remembered in order not to be given twice. Default 200,000. */
  readonly maxRemembered?: number;
  /** Entries that are asked for at a time. Default 5000. */
  readonly pageSize?: number;
  /** Milliseconds since 1970. Default: the clock. */
  readonly now?: () => number;
  /** Called when more entries came in an overlap than can be remembered: what becomes readable late may then be left out. */
  readonly onOverflow?: () => void;
}

interface Position {
  /** Microseconds since 1970. */
  readonly micros: number;
  readonly logId: string;
  readonly table: string;
}

/**
 * Entries in the order of their arrival, each once. They become readable out of order: several writers append, and `ingested_at` is stamped
 * before an append. So each poll begins an overlap before the newest that was seen, and what was given in it is remembered.
 *
 * Nothing is left out that is readable within the overlap after its `ingested_at`, which is what the sealer relies on too. A second copy of an
 * entry is not given as long as the first one is among the last `maxRemembered`.
 */
export class Newcomers {
  readonly #warehouse: Warehouse;
  readonly #scope: TailScope;
  readonly #overlap: number;
  readonly #maxRemembered: number;
  readonly #pageSize: number;
  readonly #now: () => number;
  readonly #onOverflow: () => void;
  /** When those were ingested that were given or passed over, by table and log_id, in the order in which they were. */
  readonly #seen = new Map<string, number>();
  #newest = 0;
  #overflowed = false;
  /** The first `ingested_at` that is of interest. */
  #from = 0;

  constructor(warehouse: Warehouse, scope: TailScope, options: TailOptions = {}) {
    this.#warehouse = warehouse;
    this.#scope = scope;
    this.#overlap = (options.overlapMs ?? DEFAULT_MARGIN_MS) * 1000;
    this.#maxRemembered = options.maxRemembered ?? 200_000;
    this.#pageSize = options.pageSize ?? 5000;
    this.#now = options.now ?? Date.now;
    this.#onOverflow = options.onOverflow ?? (() => {});
  }

  /**
   * The newest entries, the oldest of them first.
   *
   * @param goesOn whether `next` is to go on after all that were readable when this was called
   * @throws ERR_QUERY, ERR_DEADLINE
   */
  async newest(count: number, goesOn: boolean, patience?: Patience): Promise<Line[]> {
    const [newest] = await this.#times(1, patience);
    if (newest === undefined) {
      this.#from = this.#now() * 1000 - this.#overlap;
      return [];
    }
    this.#newest = Math.min(newest, this.#now() * 1000);
    this.#advance();
    // Those that are passed over, before those that are shown: what arrives in between is one of neither, and given by `next`.
    if (goesOn) await this.#passOver(patience);
    if (count === 0) return [];
    const since = (await this.#times(count, patience)).at(-1) ?? newest;
    const rows = await this.#rows(
      this.#union("ingested_at >= TIMESTAMP_MICROS(@from)", "DESC"),
      { from: since, count },
      patience,
    );
    const lines = new Map<string, Line>();
    for (const row of rows.toReversed()) {
      const key = keyOf(row);
      // Of several copies the first one that came.
      if (!lines.has(key)) lines.set(key, lineOf(row));
      this.#remember(row);
    }
    return [...lines.values()];
  }

  /** Lets `next` begin at an `ingested_at`, in microseconds since 1970. */
  startAt(micros: number): void {
    this.#from = micros;
  }

  /**
   * What has become readable since the last call, a page at a time. After an error, call it again: what was given is not given again.
   *
   * @throws ERR_QUERY, ERR_DEADLINE
   */
  async *next(patience?: Patience): AsyncGenerator<Line[]> {
    let position: Position = { micros: this.#from, logId: "", table: "" };
    for (;;) {
      const rows = await this.#page(position, this.#union(pageCondition, "ASC"), patience);
      const lines = rows.filter((row) => this.#remember(row)).map(lineOf);
      if (lines.length > 0) yield lines;
      const last = rows.at(-1);
      this.#advance();
      if (last === undefined || rows.length < this.#pageSize) return;
      position = positionOf(last);
    }
  }

  /** Remembers all that is in the overlap, or as much of it as it can. */
  async #passOver(patience: Patience | undefined): Promise<void> {
    const query = this.#branches(
      (name, from) => `SELECT '${name}' AS table_name, log_id, UNIX_MICROS(ingested_at) AS micros FROM ${from}`,
      "ingested_at >= TIMESTAMP_MICROS(@from)",
      "DESC",
    );
    const rows = await this.#rows(query, { from: this.#from, count: this.#maxRemembered + 1 }, patience);
    for (const row of rows.toReversed()) this.#remember(row);
  }

  #page({ micros, logId, table }: Position, query: string, patience: Patience | undefined): Promise<PlainRow[]> {
    return this.#rows(query, { from: micros, after: logId, after_table: table, count: this.#pageSize }, patience);
  }

  /** `ingested_at` of the newest entries, the newest first, in microseconds: reads one narrow column. */
  async #times(count: number, patience: Patience | undefined): Promise<number[]> {
    const query = this.#branches(
      (_name, from) => `SELECT UNIX_MICROS(ingested_at) AS micros, log_id, '' AS table_name FROM ${from}`,
      "TRUE",
      "DESC",
    );
    return (await this.#rows(query, { count }, patience)).map((row) => Number(row["micros"]));
  }

  /** Whether it is new. */
  #remember(row: PlainRow): boolean {
    const key = keyOf(row);
    const micros = Number(row["micros"]);
    // A writer whose clock is ahead must not make us pass over what the others write.
    this.#newest = Math.max(this.#newest, Math.min(micros, this.#now() * 1000));
    if (this.#seen.has(key)) return false;
    this.#seen.set(key, micros);
    if (this.#seen.size > this.#maxRemembered) this.#overflow();
    return true;
  }

  /** Forgets the one that was given first, and never looks back as far as that again. */
  #overflow(): void {
    const [first] = this.#seen;
    if (first === undefined) return;
    this.#seen.delete(first[0]);
    if (first[1] < this.#from) return;
    this.#from = first[1] + 1;
    if (!this.#overflowed) this.#onOverflow();
    this.#overflowed = true;
  }

  #advance(): void {
    this.#from = Math.max(this.#from, this.#newest - this.#overlap);
    this.#overflowed = false;
  }

  #union(condition: string, direction: "ASC" | "DESC"): string {
    return this.#branches(
      (name, from) => `SELECT *, UNIX_MICROS(ingested_at) AS micros FROM (${lineQuery(name, from)})`,
      condition,
      direction,
    );
  }

  /** The first @count of all tables in the order of their arrival; each table gives no more, so that none is sorted as a whole. */
  #branches(select: (name: TableName, from: string) => string, condition: string, direction: "ASC" | "DESC"): string {
    const { bigquery, datasets } = this.#warehouse;
    const { arrivals } = viewRelations(bigquery.projectId, datasets);
    const branches = this.#scope.tables.flatMap((name) => {
      const where = this.#conditionOf(name, condition);
      if (where === undefined) return [];
      const from = `${arrivals(name)} WHERE ${where} ORDER BY ingested_at ${direction}, log_id ${direction} LIMIT @count`;
      return [`SELECT * FROM (${select(name, from)})`];
    });
    return `SELECT * FROM (
${branches.join("\nUNION ALL\n")}
) ORDER BY micros ${direction}, log_id ${direction}, table_name ${direction} LIMIT @count`;
  }

  /** Undefined: no entry of this table can meet it. */
  #conditionOf(name: TableName, condition: string): string | undefined {
    const { agent, conversation } = this.#scope;
    const line = entryLines[name];
    if (conversation !== undefined && line.conversation === undefined) return undefined;
    const conditions = [
      `(${condition.replaceAll("@table", `'${name}'`)})`,
      ...(agent === undefined ? [] : [`${line.agent} = @agent`]),
      ...(conversation === undefined ? [] : [`${line.conversation} = @conversation`]),
    ];
    return conditions.join(" AND ");
  }

  async #rows(
    query: string,
    params: { readonly [name: string]: unknown },
    patience: Patience | undefined,
  ): Promise<PlainRow[]> {
    const { agent, conversation } = this.#scope;
    const all = {
      ...params,
      ...(agent !== undefined && { agent }),
      ...(conversation !== undefined && { conversation }),
    };
    return rowsOf(this.#warehouse, { query, params: all }, patience);
  }
}

const pageCondition = `ingested_at > TIMESTAMP_MICROS(@from)
  OR ingested_at = TIMESTAMP_MICROS(@from) AND (log_id > @after OR log_id = @after AND @table > @after_table)`;

function keyOf(row: PlainRow): string {
  return `${String(row["table_name"])}/${String(row["log_id"])}`;
}

function positionOf(row: PlainRow): Position {
  return { micros: Number(row["micros"]), logId: String(row["log_id"]), table: String(row["table_name"]) };
}
