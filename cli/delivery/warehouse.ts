import type { BigQuery } from "@google-cloud/bigquery";
import { costItemsQuery, type CostKind } from "@indelible/schemas/cost.ts";
import { viewRelations, type Relations } from "@indelible/schemas/relations.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { retry, type Patience } from "../retry.ts";
import type { Warehouse } from "../warehouse.ts";

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
export class DeliveryWarehouse {
  readonly #bigquery: BigQuery;
  readonly #views: Relations;
  readonly #patience: Patience;

  constructor({ bigquery, datasets }: Warehouse, patience: Patience) {
    this.#bigquery = bigquery;
    this.#views = viewRelations(bigquery.projectId, datasets);
    this.#patience = patience;
  }

  /** Which of `logIds` the history of `table` has. */
  async present(table: TableName, logIds: readonly string[]): Promise<Set<string>> {
    const present = new Set<string>();
    for (const ids of parts(logIds, idsPerQuery)) {
      const query = `SELECT log_id FROM ${this.#views.history(table)} WHERE log_id IN UNNEST(@ids)`;
      for (const row of await this.#rows<{ log_id: string }>(query, { ids })) present.add(row.log_id);
    }
    return present;
  }

  /** The entries of `logIds` with their hashes. */
  async *entries(table: TableName, logIds: readonly string[]): AsyncGenerator<StoredEntry> {
    for (const ids of parts(logIds, entriesPerQuery)) {
      yield* await this.#rows<StoredEntry>(
        `SELECT log_id, entry, entry_hash, conflict FROM ${this.#views.history(table)} WHERE log_id IN UNNEST(@ids)`,
        { ids },
      );
    }
  }

  /** All dead letters of events with these `log_id`s, each once however many parts it has. */
  async deadLetters(logIds: readonly string[]): Promise<StoredDeadLetter[]> {
    const found: StoredDeadLetter[] = [];
    for (const ids of parts(logIds, idsPerQuery)) {
      const query = `SELECT dead_letter_id, source_log_id, source_table, reason, reason_detail
FROM ${this.#views.history("dead_letters")} WHERE source_log_id IN UNNEST(@ids) AND (part IS NULL OR part = 1)`;
      found.push(...(await this.#rows<StoredDeadLetter>(query, { ids })));
    }
    return found;
  }

  /** `log_id`s of entries appended at or after `since`; when `publisherIds` is given, only theirs. */
  async idsSince(table: TableName, since: Date, publisherIds?: readonly string[]): Promise<string[]> {
    const ids: string[] = [];
    const query = `SELECT log_id FROM ${this.#views.history(table)} WHERE ingested_at >= @since`;
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

  /** What each agent has cost, by business and agent: the sums of `indelible cost --by agent`. */
  async costs(): Promise<AgentCost[]> {
    const usdOf = (kind: CostKind): string => `SUM(IF(kind = '${kind}', cost_usd, NULL))`;
    const rows = await this.#rows<CostRow>(
      `SELECT business_id, agent_position, COUNTIF(kind = 'conversation') AS conversations, COUNTIF(kind = 'tool') AS tool_calls,
  SUM(total_tokens) AS tokens, ${usdOf("conversation")} AS model_usd, ${usdOf("tool")} AS tool_usd, ${usdOf("action")} AS action_usd
FROM (
${costItemsQuery(this.#views)}
)
GROUP BY business_id, agent_position
ORDER BY business_id, agent_position`,
      {},
    );
    return rows.map((row) => ({
      business: row.business_id,
      agent: row.agent_position,
      conversations: row.conversations,
      tokens: row.tokens ?? 0,
      modelUsd: Number(row.model_usd ?? 0),
      toolCalls: row.tool_calls,
      toolUsd: Number(row.tool_usd ?? 0),
      actionUsd: Number(row.action_usd ?? 0),
    }));
  }

  async #rows<Row>(query: string, params: Parameters): Promise<Row[]> {
    const [rows] = await retry("the warehouse", this.#patience, () => this.#bigquery.query({ query, params }));
    return rows as Row[];
  }
}

/** What can be asked of a warehouse; tests answer it themselves. */
export type Reader = Pick<DeliveryWarehouse, keyof DeliveryWarehouse>;

interface CostRow {
  readonly business_id: string;
  readonly agent_position: string;
  readonly conversations: number;
  readonly tool_calls: number;
  readonly tokens: number | null;
  /** NUMERIC, as the client has it. */
  readonly model_usd: unknown;
  readonly tool_usd: unknown;
  readonly action_usd: unknown;
}

/** `list` in parts of at most `size`; none when it is empty. */
export function parts<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
