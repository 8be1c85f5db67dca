import { join } from "node:path";
import { sealerFromEnvironment } from "@indelible/ledger/config.ts";
import { rotateLocalKeys } from "@indelible/ledger/local-keys.ts";
import type { SealReport } from "@indelible/ledger/seal.ts";
import { sealAll } from "@indelible/ledger/sealer.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { ledgerEnvironment } from "../ledger-environment.ts";
import { describeFailure, messageOf } from "../terminal/failure.ts";
import { interruption } from "../terminal/interruption.ts";
import { jsonText } from "../terminal/json-text.ts";
import { createProgress } from "../terminal/progress.ts";
import { counted } from "../terminal/table.ts";

export interface SealFlags {
  readonly margin?: number;
  readonly rotateKey?: true;
  readonly json?: true;
  readonly data: string;
}

/** @throws as `seal` does, and its signal's reason when it is interrupted */
export async function runSeal({ margin, rotateKey, json, data }: SealFlags): Promise<void> {
  const environment = ledgerEnvironment(data, "sealer");
  const service = sealerFromEnvironment(environment);
  const progress = createProgress("sealing rows");
  using interrupted = interruption();
  const { signal } = interrupted;
  let done = 0;
  let report: SealReport;
  try {
    if (rotateKey === true) {
      // What cannot seal makes no new key either.
      await service.options();
      await rotate(environment["INDELIBLE_LEDGER_KEYS"]);
    }
    report = await sealAll(
      async () => ({
        ...(await service.options()),
        ...(margin !== undefined && { marginMs: margin * 1000 }),
        onProgress: (rows) => progress.update((done += rows), undefined),
        signal,
      }),
      MAX_YIELDING,
    );
  } finally {
    progress.stop();
    await service.close();
  }
  process.stdout.write(json === true ? jsonText(plain(report), 0) : text(report));
  if (report.witnessFailure !== undefined) process.stderr.write(describeFailure(report.witnessFailure));
}

/** The sealer of `indelible dev` seals every minute. */
const MAX_YIELDING = 5;
const overlapMs = 86_400_000;

async function rotate(folder: string | undefined): Promise<void> {
  if (folder === undefined || folder === "") {
    throw new IndelibleError("ERR_CONFIG", "--rotate-key is for keys in a folder", {
      hint: "In the cloud: add a version of the KMS key to INDELIBLE_LEDGER_KMS_KEYS and to the list of keys (docs/sealing.md).",
    });
  }
  const { list } = await rotateLocalKeys(folder, BigInt(Date.now()) * 1000n, overlapMs);
  process.stderr.write(
    `A new key signs from now on, the old one with it for a day. There are ${list.keys.length} keys: give ${join(folder, "keys.json")} to whoever verifies.\n`,
  );
}

function plain({ commitNumber, logSize, seals, rows, witnessFailure }: SealReport): object {
  const witness = witnessFailure === undefined ? {} : { witnessFailure: messageOf(witnessFailure) };
  return { commitNumber: commitNumber ?? null, logSize: String(logSize), seals, rows, ...witness };
}

function text({ commitNumber, logSize, seals, rows }: SealReport): string {
  if (commitNumber === undefined) {
    return `Nothing to seal: what is there is sealed, or younger than the margin. The log has ${logSize} seals.\n`;
  }
  return `Sealed ${counted(rows, "row")} in ${counted(seals, "window")}: commit ${commitNumber}, the log has ${logSize} seals.\n`;
}
