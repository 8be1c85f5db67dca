import { assertEvent } from "@indelible/schemas/validator.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import { sealedTables } from "@indelible/schemas/names.ts";

/** One entry of the seal log: the rows of a table whose `ingested_at` lies in a window, by the root of their tree. */
export interface Seal {
  readonly table: TableName;
  /** Microseconds since 1970: the first `ingested_at`, inclusive, and the end, exclusive. */
  readonly window: { readonly start: bigint; readonly end: bigint };
  readonly rowCount: number;
  /** 64 lower-case hex digits. */
  readonly rootHash: string;
  /** Position in the seal log. */
  readonly logIndex: bigint;
  /** Number of the commit that it came with. */
  readonly commitNumber: number;
  /** Microseconds since 1970. */
  readonly sealedAt: bigint;
  readonly readSession: string | undefined;
  /** The text that is the leaf of the seal log, and the `entry` of its row. */
  readonly entry: string;
}

/** Reads an entry of the seal log. @throws ERR_CHECKPOINT when it is none */
export function parseSeal(entry: string): Seal {
  try {
    const event: unknown = JSON.parse(entry);
    assertEvent("seals", event);
    const { table_name: name, checkpoint_number: number, read_session: session } = event;
    const table = sealedTables.find((candidate) => candidate === name);
    if (table === undefined) throw new Error(`there is no table ${JSON.stringify(name)}`);
    if (typeof number !== "number") throw new Error("it has no checkpoint_number");
    const rootHash = String(event["root_hash"]);
    if (!/^[0-9a-f]{64}$/.test(rootHash)) throw new Error("its root_hash is not 64 hex digits");
    const window = { start: micros(event["window_start"]), end: micros(event["window_end"]) };
    if (window.start >= window.end) throw new Error("its window ends before it starts");
    return {
      table,
      window,
      rowCount: Number(event["row_count"]),
      rootHash,
      logIndex: BigInt(event["log_index"] as number),
      commitNumber: number,
      sealedAt: micros(event["sealed_at"]),
      readSession: typeof session === "string" ? session : undefined,
      entry,
    };
  } catch (cause) {
    throw new IndelibleError("ERR_CHECKPOINT", "an entry of the seal log is not a seal", { cause });
  }
}

function micros(timestamp: unknown): bigint {
  const value = typeof timestamp === "string" ? parseTimestamp(timestamp) : undefined;
  if (value === undefined) throw new Error("it has a timestamp that is none");
  return BigInt(value);
}
