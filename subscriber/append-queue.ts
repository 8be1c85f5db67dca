import type { AppendCall } from "./append-call.ts";

/** BigQuery's own limit is 10 MB a request, its envelope included. */
export const MAX_REQUEST_BYTES: number = 9 * 1024 * 1024;

/** Tag and length that protobuf puts before each row. */
const ROW_HEADER_BYTES = 5;

/** Rows of one call, by their positions in it. */
export interface Portion {
  readonly call: AppendCall;
  readonly positions: readonly number[];
}

/** The encoded rows of one request, portion after portion. */
export interface FilledRequest {
  readonly portions: readonly Portion[];
  readonly rows: readonly Uint8Array[];
  readonly bytes: number;
}

/** The rows of one table that wait for a request, in the order in which they came. */
export class AppendQueue {
  #portions: Portion[] = [];
  /** Positions of the first portion that have been taken. */
  #taken = 0;

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#portions.length === 0;
  }

  add(call: AppendCall): void {
    this.#portions.push({ call, positions: Array.from(call.rows.keys()) });
  }

  /** Puts rows before all others: they were taken, and BigQuery refused others of their request. */
  putBack(portions: readonly Portion[]): void {
    if (this.#taken > 0) {
      const [first, ...others] = this.#portions as [Portion, ...Portion[]];
      this.#portions = [{ call: first.call, positions: first.positions.slice(this.#taken) }, ...others];
      this.#taken = 0;
    }
    this.#portions = [...portions, ...this.#portions];
  }

  /** Removes and returns every call that waits. */
  drain(): AppendCall[] {
    const calls = this.#portions.map(({ call }) => call);
    this.#portions = [];
    this.#taken = 0;
    return calls;
  }

  /** Forgets the rows of calls that are settled. */
  prune(): void {
    const first = this.#portions[0];
    if (first?.call.settled === true) this.#taken = 0;
    this.#portions = this.#portions.filter(({ call }) => !call.settled);
  }

  /**
   * Takes as many waiting rows as fit into a request, encoded for an append at `ingestedAt`, in microseconds since 1970. Of a row
   * that fits into none its call is told.
   */
  fill(ingestedAt: number): FilledRequest {
    const portions: Portion[] = [];
    const rows: Uint8Array[] = [];
    let bytes = 0;
    for (let head = this.#portions[0]; head !== undefined; head = this.#portions[0]) {
      const { call } = head;
      const positions: number[] = [];
      let full = false;
      while (!call.settled && this.#taken < head.positions.length) {
        const position = head.positions[this.#taken] as number;
        const row = encode(call, position, ingestedAt);
        if (row !== undefined) {
          full = bytes + row.length + ROW_HEADER_BYTES > MAX_REQUEST_BYTES && rows.length > 0;
          if (full) break;
          bytes += row.length + ROW_HEADER_BYTES;
          rows.push(row);
          positions.push(position);
        }
        this.#taken += 1;
      }
      if (positions.length > 0) portions.push({ call, positions });
      if (full) break;
      this.#portions.shift();
      this.#taken = 0;
    }
    return { portions, rows, bytes };
  }
}

/** The row, or undefined when its call has been told that it cannot be sent. */
function encode(call: AppendCall, position: number, ingestedAt: number): Uint8Array | undefined {
  let row: Uint8Array;
  try {
    row = (call.rows[position] as AppendCall["rows"][number])(ingestedAt);
  } catch (error) {
    // A fault of ours, of which the other calls of this request must not suffer.
    call.reject(error);
    return undefined;
  }
  if (row.length <= MAX_REQUEST_BYTES - ROW_HEADER_BYTES) return row;
  const reason = `the row has ${row.length} bytes, the most is ${MAX_REQUEST_BYTES - ROW_HEADER_BYTES}`;
  call.refuse({ position, code: "ERR_TOO_LARGE", reason });
  return undefined;
}
