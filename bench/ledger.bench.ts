/**
 * Sealing, verifying and proving rows of the warehouse of this machine:
 *
 *     node bench/ledger.bench.ts [--rows 1000000] [--data FOLDER] [--proofs 20]
 *
 * The warehouse is a process of its own. Conversations with 1.2 KB of entry, 25,000 of them a second by their `ingested_at`, are appended first; with
 * --data the folder is kept, and used again when it has them. Memory is that of this process, which seals and verifies.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bigQueryLookup } from "@indelible/ledger/big-query-lookup.ts";
import { folderStore } from "@indelible/ledger/folder-store.ts";
import { openLocalKeys } from "@indelible/ledger/local-keys.ts";
import { prove } from "@indelible/ledger/prove.ts";
import { sealRows } from "@indelible/ledger/seal-rows.ts";
import { seal } from "@indelible/ledger/seal.ts";
import { verify } from "@indelible/ledger/verify.ts";
import { storageRowReader } from "@indelible/ledger/storage-row-reader.ts";
import { ingestedAtOf, logIdOf } from "./ledger/conversations.ts";
import { filledWarehouse, projectId, START } from "./ledger/filled-warehouse.ts";
import { measured, type Usage } from "./ledger/usage.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    proofs: { type: "string", default: "20" },
    data: { type: "string" },
  },
});
const rowCount = Number(values.rows);
const folder = values.data ?? mkdtempSync(join(tmpdir(), "indelible-ledger-"));

const lines: string[] = [];
function report(what: string, rows: number, { ms, cpuMicros, otherCpuMicros, maxBytes }: Usage<unknown>): void {
  const perSecond = Math.round((rows / ms) * 1000).toLocaleString("en-US");
  const [own, other] = [cpuMicros / rows, otherCpuMicros / rows].map((micros) => micros.toFixed(1));
  const memory = Math.round(maxBytes / 2 ** 20);
  lines.push(`| ${what} | ${perSecond} rows/s | ${own} us | ${other} us | ${memory} MiB |`);
}

const warehouse = await filledWarehouse(folder, rowCount);
const warehousePid = warehouse.process.process.pid ?? 0;
const origin = `indelible/${projectId}/agent_logs_raw`;
const ledgerFolder = join(folder, "ledger");
const reader = storageRowReader({ projectId, host: warehouse.host });
try {
  const store = folderStore(join(ledgerFolder, "store"));
  const { list: keys, signers } = await openLocalKeys(join(ledgerFolder, "keys"), origin, BigInt(Date.now()) * 1000n);
  const rows = sealRows(warehouse.appender, reader);
  const sealing = await measured(warehousePid, () => seal({ reader, store, keys, signers, rows, marginMs: 0 }));
  // In a folder that is used again they are sealed.
  if (sealing.result.rows > 0) {
    report(`seal, ${sealing.result.seals} seals`, sealing.result.rows, sealing);
  }

  const verifying = await measured(warehousePid, () =>
    verify({ reader, store, keys, now: () => BigInt(Date.now()) * 1000n, tables: ["conversations"] }),
  );
  report("verify", verifying.result.counts.rows, verifying);
  if (!verifying.result.verified || verifying.result.counts.rows !== rowCount)
    throw new Error(JSON.stringify(verifying.result.findingCounts));

  const lookup = bigQueryLookup(warehouse.bigquery);
  const times: number[] = [];
  for (let number = 0; number < Number(values.proofs); number += 1) {
    const index = Math.floor((rowCount * (number + 0.5)) / Number(values.proofs));
    const { ms } = await measured(warehousePid, () =>
      prove(logIdOf(ingestedAtOf(START, index), index), { store, keys, lookup }),
    );
    times.push(ms);
  }
  times.sort((a, b) => a - b);
  const [median, most] = [times[times.length >> 1] ?? 0, times.at(-1) ?? 0];
  lines.push(`| prove, ${times.length} entries | median ${median.toFixed(0)} ms, max ${most.toFixed(0)} ms | | | |`);
} finally {
  await reader.close();
  await warehouse.appender.close();
  await warehouse.process.stop();
  if (values.data === undefined) rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${rowCount.toLocaleString("en-US")} rows

| | rows | CPU a row, ledger | CPU a row, warehouse | memory, ledger |
|---|---|---|---|---|
${lines.join("\n")}
`);
