import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { parseKeyList, type KeyList } from "@indelible/ledger/key-list.ts";
import { parseVerifierKey } from "@indelible/ledger/note.ts";
import { verifyProof, type ProvenEntry } from "@indelible/ledger/proof.ts";
import { prove } from "@indelible/ledger/prove.ts";
import { timeText } from "@indelible/ledger/verification/time.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { proofSourcesFor } from "../ledger-environment.ts";
import { ledgerFolders } from "../ledger-folders.ts";
import { printable } from "../terminal/cell.ts";
import { jsonText } from "../terminal/json-text.ts";

export interface ProveFlags {
  readonly out?: string;
  readonly data: string;
}

/** @throws as `prove` does */
export async function runProve(logId: string, { out, data }: ProveFlags): Promise<void> {
  const text = jsonText(await prove(logId, await proofSourcesFor(data)));
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(out, text);
  } catch (cause) {
    throw new IndelibleError("ERR_CONFIG", `${out} cannot be written`, {
      cause,
      hint: "Give another file with --out.",
    });
  }
  process.stderr.write(`Written to ${out}. Whoever gets it checks it with: indelible verify-proof ${out}\n`);
}

export interface VerifyProofFlags {
  readonly keys?: string;
  readonly json?: true;
  readonly data: string;
}

/** @returns the exit code. @throws ERR_PROOF, ERR_KEY, ERR_CONFIG */
export async function runVerifyProof(file: string, flags: VerifyProofFlags): Promise<number> {
  const text = file === "-" ? await readAll(process.stdin) : readText(file);
  const keys = trustedKeys(flags);
  const proven = verifyProof(text, keys);
  if (flags.json === true) process.stdout.write(jsonText(plain(proven, keys !== undefined)));
  else process.stdout.write(description(proven, keys !== undefined));
  return keys === undefined ? 1 : 0;
}

function trustedKeys({ keys: given, data }: VerifyProofFlags): KeyList | undefined {
  const own = join(ledgerFolders(data).keys, "keys.json");
  if (given === undefined) return existsSync(own) ? parseKeyList(readText(own)) : undefined;
  if (existsSync(given)) return parseKeyList(readText(given));
  const key = parseVerifierKey(given);
  // A key by itself is trusted for all time.
  return { origin: key.name, keys: [{ key, from: 0n, until: undefined }] };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new IndelibleError("ERR_CONFIG", `${path} cannot be read`, { cause, hint: "Give the path of a file." });
  }
}

function plain({ row, entry, seal, checkpoint, signedBy }: ProvenEntry, trusted: boolean): object {
  return {
    proved: trusted,
    table: row.table,
    log_id: row.logId,
    entry_hash: row.entryHash,
    published_at: timeText(row.publishedAt),
    ingested_at: timeText(row.ingestedAt),
    sealed_at: timeText(seal.sealedAt),
    log: checkpoint.origin,
    log_index: String(seal.logIndex),
    log_size: String(checkpoint.size),
    key: signedBy,
    entry: JSON.parse(entry) as unknown,
  };
}

function description({ row, seal, checkpoint, signedBy }: ProvenEntry, trusted: boolean): string {
  const lines = [
    trusted ? "Proved: this entry was in the log when it was sealed, and is unchanged." : "Consistent, but not proved:",
    ...(trusted ? [] : ["the key is the proof's own, and nobody has vouched for it. Compare it, or give --keys."]),
    "",
    `entry      ${printable(row.logId)} of ${row.table}`,
    `hash       ${row.entryHash}`,
    `published  ${timeText(row.publishedAt)}`,
    `ingested   ${timeText(row.ingestedAt)}`,
    `sealed     ${timeText(seal.sealedAt)}, seal ${seal.logIndex} of ${checkpoint.size}`,
    `log        ${printable(checkpoint.origin)}`,
    `key        ${printable(signedBy)}`,
  ];
  return `${lines.join("\n")}\n`;
}
