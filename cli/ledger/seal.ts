import { join } from "node:path";
import { sealerFromEnvironment } from "@indelible/ledger/config.ts";
import { rotateLocalKeys } from "@indelible/ledger/local-keys.ts";
import { seal, type SealReport } from "@indelible/ledger/seal.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { ledgerEnvironment } from "../ledger-environment.ts";
import { describeFailure, messageOf } from "../terminal/failure.ts";
import { interruption } from "../terminal/interruption.ts";
import { createProgress } from "../terminal/progress.ts";
import { counted } from "../terminal/table.ts";

export interface SealFlags {
  readonly margin?: number;
  readonly rotateKey?: true;
  readonly json?: true;
  readonly data: string;
}

/** @throws as `seal` does */
export async function runSeal({ margin, rotateKey, json, data }: SealFlags): Promise<void> {
  if (Number.isNaN(margin)) {
    throw new IndelibleError("ERR_CONFIG", "--margin is not a whole number of seconds", {
      hint: "For instance --margin 60.",
    });
  }
  const environment = ledgerEnvironment(data, "sealer");
  if (rotateKey === true) await rotate(environment["INDELIBLE_LEDGER_KEYS"]);
  const service = sealerFromEnvironment(environment);
  const progress = createProgress("sealing rows");
  using interrupted = interruption();
  let done = 0;
  try {
    const report = await seal({
      ...(await service.options()),
      ...(margin !== undefined && { marginMs: margin * 1000 }),
      onProgress: (rows) => progress.update((done += rows), undefined),
      signal: interrupted.signal,
    });
    progress.stop();
    if (json === true) process.stdout.write(`${JSON.stringify(plain(report))}\n`);
    else process.stdout.write(text(report));
    if (report.witnessFailure !== undefined) process.stderr.write(describeFailure(report.witnessFailure));
  } finally {
    progress.stop();
    await service.close();
  }
}

const overlapMs = 86_400_000;

async function rotate(folder: string | undefined): Promise<void> {
  if (folder === undefined) {
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
