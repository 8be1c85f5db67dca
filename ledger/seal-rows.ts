import { IndelibleError } from "@indelible/schemas/errors.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type Event } from "@indelible/schemas/tables.ts";
import type { Appender, PendingRow } from "@indelible/subscriber/appender.ts";
import type { VerifiedCommit } from "./seal-log.ts";
import type { RowReader } from "./row-reader.ts";
import type { Seal } from "./seal-entry.ts";

/** The table of seals, in which people and queries see what the log of the store says. */
export interface SealRows {
  /** Appends the seals of a commit as rows. @throws as `Appender` does, and ERR_APPEND_REFUSED */
  append(commit: VerifiedCommit): Promise<void>;
  /** Appends those seals of a commit that have no row: a sealer may have ended before it could. */
  complete(commit: VerifiedCommit): Promise<void>;
}

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
    async complete({ seals, sealedAt }) {
      const present = new Set<string>();
      // Rows are stamped when they are appended, which is after the commit; an hour is for clocks that differ.
      const read = await reader.read({ table: "seals", columns: ["entry"], from: sealedAt - 3_600_000_000n });
      for await (const batch of read?.batches ?? []) {
        const entries = batch.column("entry");
        for (let row = 0; row < batch.length; row += 1) {
          const bytes = entries.bytes(row);
          if (bytes !== undefined) present.add(Buffer.from(bytes).toString());
        }
      }
      await append(seals.filter(({ entry }) => !present.has(entry)));
    },
  };
}
