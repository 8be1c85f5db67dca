import assert from "node:assert/strict";
import type { Finding } from "@indelible/ledger/findings.ts";
import type { Verification } from "@indelible/ledger/verify.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import { logIdOf, MINUTE, type World } from "./world.ts";

/** The `log_id` of the n-th conversation of `World.fill`: six to a window, followed by two thoughts. */
export function conversationRow(n: number): string {
  return logIdOf(Math.floor((n - 1) / 6) * 8 + ((n - 1) % 6) + 1);
}

/** The `log_id` of the n-th thought of `World.fill`. */
export function thoughtRow(n: number): string {
  return logIdOf(Math.floor((n - 1) / 2) * 8 + 7 + ((n - 1) % 2));
}

/** Logs these events, of a publisher of its own for each that names none so that a deleted one leaves no gap, and seals them. */
export async function logAndSeal(
  world: World,
  events: readonly (readonly [table: TableName, logId: string, event: Event])[],
): Promise<void> {
  for (const [table, logId, event] of events) {
    await world.log(table, { publisher_id: `publisher-${logId.slice(-4)}`, seq: 1, ...event, log_id: logId });
    world.nowMs += 1000;
  }
  // Long enough for every other table to be sealed as far, though nothing has come into it.
  world.nowMs += 12 * MINUTE;
  await world.seal();
}

/** What was found, as `code table log_id`, sorted. */
export function found({ findings }: Verification): string[] {
  return findings.map(shortly).sort();
}

/** That exactly this was found: lines of `code table log_id`. */
export function assertFound(verification: Verification, ...expected: readonly string[]): void {
  assert.deepEqual(found(verification), expected.toSorted());
  assert.equal(verification.verified, expected.length === 0);
}

/** What was found of one row, with the code of each and what the message says. */
export function foundOf({ findings }: Verification, logId: string): Finding[] {
  return findings.filter((finding) => finding.logId === logId);
}

/** What was found of one table. */
export function assertFoundOf({ findings }: Verification, table: TableName, ...expected: readonly string[]): void {
  assert.deepEqual(
    findings
      .filter((finding) => finding.table === table)
      .map(shortly)
      .sort(),
    expected.toSorted(),
  );
}

function shortly({ code, table, logId }: Finding): string {
  return [code, table, logId].filter((part) => part !== undefined).join(" ");
}
