import { IndelibleError } from "@indelible/schemas/errors.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type Event } from "@indelible/schemas/tables.ts";
import type { Appender, PendingRow } from "@indelible/subscriber/appender.ts";
import type { VerifiedCommit } from "./seal-log.ts";
import type { RowReader } from "./row-reader.ts";
import type { Seal } from "./seal-entry.ts";
import { textOf } from "./verification/cells.ts";

/** The table of seals, in which people and queries see what the log of the store says. */
export interface SealRows {
  /** Appends the seals of a commit as rows. @throws as `Appender` does, and ERR_APPEND_REFUSED */
  append(commit: VerifiedCommit): Promise<void>;
  /**
   * Appends those seals of a commit that have no row: a sealer may have ended before it could. Appends nothing, and resolves to its number,
   * when a row is of a later commit of the same log.
   * @throws as `append`; ERR_READ, ERR_ACCESS_DENIED; the signal's reason
   */
  complete(commit: VerifiedCommit, signal?: AbortSignal): Promise<number | undefined>;
}

/** Rows are stamped when they are appended, which is after the commit; an hour is for clocks that differ. */
const CLOCK_DIFFERENCE_MICROS = 3_600_000_000n;

export function sealRows(appender: Appender, reader: RowReader): SealRows {
  const encode = rowEncoderOf(tables.seals);

  async function append(seals: readonly Seal[]): Promise<void> {
    const rows = seals.map(({ entry, sealedAt, commitNumber }): PendingRow => {
      const event = JSON.parse(entry) as Event;
      return (ingestedAt) =>
        encode(event, {
          published_at: Number(sealedAt),
          message_id: `commit-${commitNumber}`,
          ingested_at: ingestedAt,
          schema_version: tables.seals.version,
          entry,
          entry_hash: entryHash(entry),
        });
    });
    const refused = await appender.append("seals", rows);
    if (refused[0] !== undefined) {
      throw new IndelibleError("ERR_APPEND_REFUSED", `the warehouse refused a row of seals: ${refused[0].reason}`);
    }
  }

  return {
    append: ({ seals }) => append(seals),
    async complete({ commit, seals, sealedAt, checkpoint: { origin } }, signal) {
      const missing = new Set(seals.map(({ entry }) => entry));
      for await (const entry of entriesOf(reader, sealedAt - CLOCK_DIFFERENCE_MICROS, signal)) {
        if (missing.delete(entry)) continue;
        const named = commitNamed(entry, origin);
        if (named !== undefined && named > commit.number) return named;
      }
      await append(seals.filter(({ entry }) => missing.has(entry)));
      return undefined;
    },
  };
}

/** The number of some commit of this log of which the table has a row. @throws ERR_READ, ERR_ACCESS_DENIED; the signal's reason */
export async function commitWithRow(
  reader: RowReader,
  origin: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  for await (const entry of entriesOf(reader, undefined, signal)) {
    const named = commitNamed(entry, origin);
    if (named !== undefined) return named;
  }
  return undefined;
}

async function* entriesOf(
  reader: RowReader,
  from: bigint | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  const read = await reader.read({ table: "seals", columns: ["entry"], from, signal });
  for await (const batch of read?.batches ?? []) {
    const entries = batch.column("entry");
    for (let row = 0; row < batch.length; row += 1) {
      const bytes = entries.bytes(row);
      if (bytes !== undefined) yield textOf(bytes);
    }
  }
}

/** The commit that an entry says it came with; undefined when it is no seal of this log. */
function commitNamed(entry: string, origin: string): number | undefined {
  try {
    const event = JSON.parse(entry) as { readonly [name: string]: unknown } | null;
    const { seal_id: id, checkpoint_number: number } = event ?? {};
    return typeof id === "string" && id.startsWith(`${origin}#`) && Number.isSafeInteger(number)
      ? (number as number)
      : undefined;
  } catch {
    return undefined;
  }
}
