import type { FlushResult } from "@indelible/publisher";
import type { ErrorCode } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { counted, thousands } from "../terminal/table.ts";
import type { Tally } from "./tally.ts";

/** What became of the lines. Always `read = accepted + refused` and `accepted = acknowledged + spooled + outstanding`. */
export interface EmitReport {
  /** Lines that are not blank. */
  readonly read: number;
  readonly accepted: number;
  /** Stored durably by Pub/Sub. */
  readonly acknowledged: number;
  /** Stored on this machine's disk, to be sent by the next publisher with this spool. */
  readonly spooled: number;
  /** Lines that are no event, and events that the publisher or Pub/Sub will never take. */
  readonly refused: number;
  /** Not acknowledged in time: perhaps with Pub/Sub, perhaps lost. */
  readonly outstanding: number;
  /** Whether a signal came before the input had ended: there may be lines that nobody read. */
  readonly interrupted: boolean;
  readonly tables: readonly TableCount[];
  readonly refusals: { readonly [code in ErrorCode]?: number };
}

export interface TableCount {
  readonly table: TableName;
  readonly accepted: number;
  /** Without the lines that name no table. */
  readonly refused: number;
}

/** How the publisher's work ended. */
export interface Ending extends FlushResult {
  readonly spooled: number;
}

export function reportOf(
  tally: Tally,
  { acknowledged, spooled, outstanding }: Ending,
  interrupted: boolean,
): EmitReport {
  const accepted = acknowledged + spooled + outstanding;
  return {
    read: tally.read,
    accepted,
    acknowledged,
    spooled,
    refused: tally.read - accepted,
    outstanding,
    interrupted,
    tables: [...tally.byTable].map(([table, { taken, refused }]) => ({ table, accepted: taken, refused })),
    refusals: Object.fromEntries(tally.refusals),
  };
}

const interruptedExitCode = 130;

/** 0: the input has ended and each line is with Pub/Sub or in the spool. 130: interrupted before its end. 1: otherwise. */
export function exitCodeOf({ interrupted, refused, outstanding }: EmitReport): number {
  if (interrupted) return interruptedExitCode;
  return refused === 0 && outstanding === 0 ? 0 : 1;
}

/** The report for people. */
export function emitReportText(report: EmitReport): string {
  const { read, acknowledged, spooled, refused, outstanding, interrupted } = report;
  const parts = [
    `${thousands(acknowledged)} acknowledged`,
    ...(spooled > 0 ? [`${thousands(spooled)} in the spool`] : []),
    ...(refused > 0 ? [`${thousands(refused)} refused`] : []),
    ...(outstanding > 0 ? [`${thousands(outstanding)} outstanding`] : []),
  ];
  const lines = [`${counted(read, "line")}: ${parts.join(", ")}`];
  const refusals = Object.entries(report.refusals).map(([code, count]) => `${code} ${thousands(count)}`);
  if (refusals.length > 0) lines.push(`refused: ${refusals.join(", ")}`);
  if (outstanding > 0) {
    lines.push(
      "What is outstanding may be lost: find out why Pub/Sub did not answer, or give it more time by --deadline.",
    );
  }
  if (interrupted) lines.push("Interrupted before the input had ended: lines that were not read were not sent.");
  return `${lines.join("\n")}\n`;
}
