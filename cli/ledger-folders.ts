import { join } from "node:path";

/** Where the ledger of one machine is, below its data folder. */
export function ledgerFolders(dataFolder: string): {
  readonly store: string;
  readonly witness: string;
  readonly keys: string;
} {
  return {
    store: join(dataFolder, "ledger", "store"),
    witness: join(dataFolder, "ledger", "witness"),
    keys: join(dataFolder, "ledger", "keys"),
  };
}

/** What the sealer of one machine is told, beside the addresses of its services: `ledger/config.ts` has the meaning. */
export function ledgerVariables(dataFolder: string): { readonly [name: string]: string } {
  const { store, witness, keys } = ledgerFolders(dataFolder);
  return {
    INDELIBLE_LEDGER_STORE: store,
    // The one thing that should be elsewhere, and so may be.
    INDELIBLE_LEDGER_WITNESS: process.env["INDELIBLE_LEDGER_WITNESS"] ?? witness,
    INDELIBLE_LEDGER_KEYS: keys,
  };
}
