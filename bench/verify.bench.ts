/** What it costs to hold a row against itself and to make its leaf: `node bench/verify.bench.ts [rows]`. No warehouse: the rows are in memory. */
import { FindingList } from "@indelible/ledger/verification/finding-list.ts";
import { BatchRows } from "@indelible/ledger/verification/rows.ts";
import { leafHash } from "@indelible/ledger/merkle.ts";
import { projectionOf, allColumns } from "@indelible/ledger/projection.ts";
import type { BatchColumn, RowBatch } from "@indelible/ledger/row-reader.ts";
import { rowColumns, tables, type TableName } from "@indelible/schemas/tables.ts";
import { rowOf } from "../test/ledger/real-rows.ts";
import type { CellRow } from "../test/ledger/memory-warehouse.ts";
import { hash } from "node:crypto";

const count = Number(process.argv[2] ?? 200_000);
const distinct = 1000;

const event = (number: number): { readonly [column: string]: unknown } => ({
  log_id: `0197a000-0000-7000-8000-${String(number).padStart(12, "0")}`,
  logged_at: "2026-03-02T08:00:00.123456Z",
  publisher_id: "0197a000-0000-7000-8000-000000000000",
  seq: number + 1,
  conversation_id: `c${number}`,
  business_id: "acme",
  agent_position: "CFO",
  started_at: "2026-03-02T08:00:00.123456Z",
  ended_at: "2026-03-02T08:01:00.123456Z",
  duration_seconds: 60,
  model_provider: "openrouter",
  model_name: "claude-3.5-sonnet",
  input_tokens: 1200,
  output_tokens: 300,
  total_tokens: 1500,
  cost_usd: 0.0125,
  user_prompt_preview: "how much is left of the budget? ".repeat(10),
  response_preview: "there is as much left as there was yesterday. ".repeat(8),
  status: "completed",
});

/** Rows as a reader has them: bytes of texts, which it need not make anew. */
function columnar(table: TableName, rows: readonly CellRow[]): RowBatch {
  const columns = new Map<string, BatchColumn>();
  for (const name of Object.keys(rowColumns(tables[table]))) {
    const values = rows.map((row) => row[name] ?? null);
    const bytes = values.map((value) => (typeof value === "string" ? Buffer.from(value) : undefined));
    const int64 = values.map((value) => (typeof value === "bigint" ? value : undefined));
    columns.set(name, {
      value: (row) => values[row] ?? null,
      bytes: (row) => bytes[row],
      int64: (row) => int64[row],
    });
  }
  return {
    length: rows.length,
    column(name) {
      const column = columns.get(name);
      if (column === undefined) throw new Error(name);
      return column;
    },
  };
}

const recorded = {
  publishedAt: 1_770_000_000_000_000,
  messageId: "1234567890123456",
  ingestedAt: 1_770_000_000_100_000,
};
const batch = columnar(
  "conversations",
  Array.from({ length: distinct }, (_, number) => rowOf("conversations", event(number), recorded)),
);
const entry = batch.column("entry");
const bytes = (row: number): Buffer => entry.bytes(row) as Buffer;
const differ = projectionOf("conversations")(batch);
const findings = new FindingList();
const rows = new BatchRows("conversations", batch, findings);
const parsed = Array.from({ length: distinct }, (_, row) => JSON.parse(bytes(row).toString()) as unknown);

const steps: { readonly [name: string]: (row: number) => unknown } = {
  "sha256 of the entry": (row) => hash("sha256", bytes(row), "hex"),
  "JSON.parse of the entry": (row) => JSON.parse(bytes(row).toString()),
  projection: (row) => differ(parsed[row], row),
  "identity and leaf": (row) => leafHash(rows.member(row, 1_770_000_000_100_000n, false).leaf),
  "all of it": (row) => {
    rows.check(row);
    return leafHash(rows.member(row, 1_770_000_000_100_000n, false).leaf);
  },
};

process.stdout.write(
  `${count} rows of conversations, ${allColumns("conversations").length} columns, entries of ${bytes(0).length} bytes\n`,
);
for (const [name, step] of Object.entries(steps)) {
  for (let round = 0; round < 3; round += 1) {
    const start = process.hrtime.bigint();
    for (let index = 0; index < count; index += 1) step(index % distinct);
    const us = Number(process.hrtime.bigint() - start) / 1000 / count;
    if (round === 2) process.stdout.write(`${us.toFixed(2).padStart(8)} us a row: ${name}\n`);
  }
}
if (findings.listed().length > 0) throw new Error(findings.listed()[0]?.message);
