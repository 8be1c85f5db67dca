import type { BigQuery } from "@google-cloud/bigquery";
import { VIEWS_DATASET } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { retry, type Patience } from "../retry.ts";

export interface StoredEntry {
  readonly log_id: string;
  readonly entry: string;
  readonly entry_hash: string;
  /** Another entry came with the same `log_id` and other content. */
  readonly conflict: boolean;
}

export interface StoredDeadLetter {
  readonly dead_letter_id: string;
  readonly source_log_id: string;
  readonly source_table: string | null;
  readonly reason: string;
  readonly reason_detail: string | null;
}

/** What an agent has cost, all conversations of the warehouse together. */
export interface AgentCost {
  readonly business: string;
  readonly agent: string;
  readonly conversations: number;
  readonly tokens: number;
  readonly modelUsd: number;
  readonly toolCalls: number;
  readonly toolUsd: number;
  /** Of actions that are not tool calls, whose cost stands in `toolUsd`. */
  readonly actionUsd: number;
}

/**
 * Longer lists of IDs are asked for in parts. Each question reads a whole column, so the parts are large: with 1,000
 * IDs a part, an import of 100,000 entries took 74 s, against 52 s.
 */
const idsPerQuery = 5000;
/** Entries are longer than IDs, and come back in one answer. */
const entriesPerQuery = 1000;

type Parameters = { readonly [name: string]: unknown };

/** Reads the views. Every question is asked again while the warehouse is away. Throws what `retry` throws. */
export class Warehouse {
  readonly #bigquery: BigQuery;
  readonly #patience: Patience;

  constructor(bigquery: BigQuery, patience: Patience) {
    this.#bigquery = bigquery;
    this.#patience = patience;
  }

  /** Which of `logIds` the history of `table` has. */
  async present(table: TableName, logIds: readonly string[]): Promise<Set<string>> {
    const present = new Set<string>();
    for (const ids of parts(logIds, idsPerQuery)) {
      const query = `SELECT log_id FROM ${this.#view(`${table}_history`)} WHERE log_id IN UNNEST(@ids)`;
      for (const row of await this.#rows<{ log_id: string }>(query, { ids })) present.add(row.log_id);
    }
    return present;
  }

  /** The entries of `logIds` with their hashes. */
  async *entries(table: TableName, logIds: readonly string[]): AsyncGenerator<StoredEntry> {
    for (const ids of parts(logIds, entriesPerQuery)) {
      yield* await this.#rows<StoredEntry>(
        `SELECT log_id, entry, entry_hash, conflict FROM ${this.#view(`${table}_history`)} WHERE log_id IN UNNEST(@ids)`,
        { ids },
      );
    }
  }

  /** All dead letters of events with these `log_id`s, each once however many parts it has. */
  async deadLetters(logIds: readonly string[]): Promise<StoredDeadLetter[]> {
    const found: StoredDeadLetter[] = [];
    for (const ids of parts(logIds, idsPerQuery)) {
      const query = `SELECT dead_letter_id, source_log_id, source_table, reason, reason_detail
FROM ${this.#view("dead_letters_history")} WHERE source_log_id IN UNNEST(@ids) AND (part IS NULL OR part = 1)`;
      found.push(...(await this.#rows<StoredDeadLetter>(query, { ids })));
    }
    return found;
  }

  /** `log_id`s of entries appended at or after `since`; when `publisherIds` is given, only theirs. */
  async idsSince(table: TableName, since: Date, publisherIds?: readonly string[]): Promise<string[]> {
    const ids: string[] = [];
    const query = `SELECT log_id FROM ${this.#view(`${table}_history`)} WHERE ingested_at >= @since`;
    const at = this.#bigquery.timestamp(since);
    const groups = publisherIds === undefined ? [undefined] : parts(publisherIds, idsPerQuery);
    for (const publishers of groups) {
      const rows =
        publishers === undefined
          ? await this.#rows<{ log_id: string }>(query, { since: at })
          : await this.#rows<{ log_id: string }>(`${query} AND publisher_id IN UNNEST(@publishers)`, {
              since: at,
              publishers,
            });
      for (const row of rows) ids.push(row.log_id);
    }
    return ids;
  }

  /** What each agent has cost, by business and agent. */
  async costs(): Promise<AgentCost[]> {
    const [models, tools, actions] = await Promise.all([
      this.#costRows("conversations", "SUM(total_tokens)", "TRUE"),
      this.#costRows("mcp_usage_logs", "SUM(tokens_used)", "TRUE"),
      this.#costRows("action_logs", "0", "action_type IS NULL OR action_type != 'mcp_call'"),
    ]);
    const agents = new Map([...models, ...tools, ...actions].map((row) => [keyOf(row), row]));
    const byKey = (rows: readonly CostRow[]): ReadonlyMap<string, CostRow> =>
      new Map(rows.map((row) => [keyOf(row), row]));
    const [model, tool, action] = [byKey(models), byKey(tools), byKey(actions)];
    return [...agents]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { business_id, agent_position }]) => ({
        business: business_id,
        agent: agent_position,
        conversations: model.get(key)?.items ?? 0,
        tokens: (model.get(key)?.tokens ?? 0) + (tool.get(key)?.tokens ?? 0),
        modelUsd: billionths(model.get(key)?.usd),
        toolCalls: tool.get(key)?.items ?? 0,
        toolUsd: billionths(tool.get(key)?.usd),
        actionUsd: billionths(action.get(key)?.usd),
      }));
  }

  #costRows(table: TableName, tokens: string, condition: string): Promise<CostRow[]> {
    return this.#rows<CostRow>(
      `SELECT business_id, agent_position, COUNT(*) AS items, ${tokens} AS tokens, SUM(cost_usd) AS usd
FROM ${this.#view(table)} WHERE ${condition} GROUP BY business_id, agent_position`,
      {},
    );
  }

  #view(name: string): string {
    return `\`${this.#bigquery.projectId}.${VIEWS_DATASET}.${name}\``;
  }

  async #rows<Row>(query: string, params: Parameters): Promise<Row[]> {
    const [rows] = await retry("the warehouse", this.#patience, () => this.#bigquery.query({ query, params }));
    return rows as Row[];
  }
}

/** What can be asked of a warehouse; tests answer it themselves. */
export type Reader = Pick<Warehouse, keyof Warehouse>;

interface CostRow {
  readonly business_id: string;
  readonly agent_position: string;
  readonly items: number;
  readonly tokens: number | null;
  readonly usd: number | null;
}

/**
 * A sum without what floating point makes of it: the order in which rows are added up is the warehouse's, and 0.0506 must not be
 * 0.050600000000000006 the next time.
 */
function billionths(usd: number | null | undefined): number {
  return Math.round((usd ?? 0) * 1e9) / 1e9;
}

function keyOf({ business_id, agent_position }: CostRow): string {
  return `${business_id}\n${agent_position}`;
}

/** `list` in parts of at most `size`; none when it is empty. */
export function parts<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
