import type { ErrorCode } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";

interface TableTally {
  /** Given to the publisher. */
  taken: number;
  /** Lines that were refused, and events that the publisher or Pub/Sub refused later. */
  refused: number;
}

/** What was read and what became of it so far. */
export class Tally {
  /** Lines that are not blank. */
  read = 0;
  /** Events that were given to the publisher and that it did not refuse at once. */
  taken = 0;
  readonly byTable: Map<TableName, TableTally> = new Map();
  readonly refusals: Map<ErrorCode, number> = new Map();

  take(table: TableName): void {
    this.taken += 1;
    this.#of(table).taken += 1;
  }

  /** @param table undefined when the line does not tell */
  refuse(table: TableName | undefined, code: ErrorCode): void {
    this.#count(code, 1);
    if (table !== undefined) this.#of(table).refused += 1;
  }

  /** Of events that had been taken. */
  refuseLater(table: TableName, code: ErrorCode, events: number): void {
    this.#count(code, events);
    const tally = this.#of(table);
    tally.taken -= events;
    tally.refused += events;
  }

  #count(code: ErrorCode, events: number): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + events);
  }

  #of(table: TableName): TableTally {
    let tally = this.byTable.get(table);
    if (tally === undefined) this.byTable.set(table, (tally = { taken: 0, refused: 0 }));
    return tally;
  }
}
