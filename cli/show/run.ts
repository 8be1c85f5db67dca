import type { TableName } from "@indelible/schemas/tables.ts";
import { proofSourcesFor } from "../ledger-environment.ts";
import { jsonText } from "../terminal/json-text.ts";
import { openWarehouse } from "../warehouse.ts";
import { examine } from "./examine.ts";
import { refusedText, shownText } from "./text.ts";

export interface ShowFlags {
  readonly table?: TableName;
  readonly full?: true;
  readonly json?: true;
  readonly data: string;
}

/** Prints everything of one entry. @throws what `examine` throws */
export async function runShow(id: string, flags: ShowFlags): Promise<void> {
  const warehouse = await openWarehouse(flags.data);
  const shown = await examine(warehouse, id, {
    proof: () => proofSourcesFor(flags.data),
    ...(flags.table !== undefined && { table: flags.table }),
  });
  if (!process.stdout.isTTY || flags.json === true) {
    process.stdout.write(jsonText(shown));
    return;
  }
  const width = process.stdout.columns;
  process.stdout.write("reason" in shown ? refusedText(shown, width) : shownText(shown, flags.full === true, width));
}
