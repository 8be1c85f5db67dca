import { confirm } from "../terminal/confirmation.ts";
import { interruption } from "../terminal/interruption.ts";
import { jsonText } from "../terminal/json-text.ts";
import { counted, renderTable, thousands } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import { ACT_STALL_MS, atDesk } from "./desk.ts";
import { commandText, nextText } from "./next.ts";
import { pairedTable } from "./paired-table.ts";
import { compare, isRestorable, reasonOf, restore, type Comparison, type Ending } from "./safety-net.ts";
import { withSafetyNet } from "./safety-net-client.ts";

export interface SafetyNetFlags {
  readonly restore?: true;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly limit: number;
  readonly json?: true;
  readonly data: string;
}

const maxListed = 50;

/**
 * Prints what only the safety net has, and publishes it again if that is wanted.
 *
 * @returns the exit code: 1 when something is missing, or may be
 */
export async function runSafetyNet(flags: SafetyNetFlags): Promise<number> {
  using interrupted = interruption();
  const { signal } = interrupted;
  const asText = process.stdout.isTTY && flags.json !== true;
  return await atDesk(flags.data, { deadlineMs: ACT_STALL_MS }, async (desk) => {
    const comparison = await withSafetyNet(desk.project, desk.topicPrefix, (net) =>
      compare(net, desk.reader, { limit: flags.limit, withData: flags.restore === true && flags.dryRun !== true }),
    );
    signal.throwIfAborted();
    const { missing } = comparison;
    const restorable = missing.filter(isRestorable);
    if (flags.restore !== true || flags.dryRun === true || restorable.length === 0) {
      process.stdout.write(asText ? comparisonText(comparison, flags) : jsonText(comparisonOf(comparison)));
      return exitCodeOf(comparison, missing.length);
    }
    process.stderr.write(`${counted(restorable.length, "dead letter")} that only the safety net has\n`);
    const question = `Publish ${counted(restorable.length, "dead letter")} to the dead-letter topic again?`;
    if (flags.yes !== true && !(await confirm(question, signal))) return 1;
    await restore(desk, restorable);
    const left = missing.length - restorable.length;
    process.stdout.write(
      asText
        ? `Published ${thousands(restorable.length)} again: they become rows as soon as the function can write.\n${warnings[comparison.ending]}${nextText(commandText(["list"], flags.data))}`
        : jsonText({ ...comparisonOf(comparison), restored: restorable.length }),
    );
    return exitCodeOf(comparison, left);
  });
}

/** Whoever stops at a limit has asked for it. @param left how many are still missing */
export function exitCodeOf({ ending }: Pick<Comparison, "ending">, left: number): number {
  return left === 0 && (ending === "all" || ending === "limit") ? 0 : 1;
}

const scopes: { readonly [ending in Ending]: string } = {
  all: "all that it gave",
  limit: "the first that it gave; --limit allows more",
  memory: "the first that it gave, as many as fit into memory",
  silence: "before it stopped answering",
  repetition: "those that it gave again and again",
};

const warnings: { readonly [ending in Ending]: string } = {
  all: "",
  limit: "",
  memory: "Those were not all: when they have rows, the same command looks at the others.\n",
  silence:
    "The safety net did not answer, so nobody knows whether those were all. See whether Pub/Sub is there, then ask again.\n",
  repetition:
    "It gave no new ones, but it did not say that those were all. Ask again when nobody else pulls from it.\n",
};

/** For programs. */
export function comparisonOf({ looked, ending, missing }: Comparison): object {
  return {
    looked,
    complete: ending === "all",
    ending,
    missing: missing.map((held) => ({
      messageId: held.messageId,
      publishedAt: held.publishedAt,
      ...reasonOf(held),
      bytes: held.bytes,
      restorable: isRestorable(held),
    })),
  };
}

export function comparisonText({ looked, ending, missing }: Comparison, flags: Pick<SafetyNetFlags, "data">): string {
  const summary =
    `Looked at ${counted(looked, "message")} of the safety net, ${scopes[ending]}: ` +
    `${counted(missing.length, "dead letter")} without a row in dead_letters.\n${warnings[ending]}`;
  if (missing.length === 0) return summary;
  const columns = ["published", "table", "reason"].map((title) => ({ title }));
  const shown = missing.slice(0, maxListed).map((held) => ({ held, ...reasonOf(held) }));
  const rows = shown.map(({ held, table, reason }) => [secondText(held.publishedAt), table, reason]);
  const seconds = shown.map(({ held, detail }) => `message ${held.messageId}: ${detail}`);
  const withSeconds = rows.map((row, index) => [...row, seconds[index] ?? ""]);
  const width = process.stdout.columns;
  const stuck = missing.filter((held) => !isRestorable(held)).length;
  const next = stuck === missing.length ? "" : nextText(commandText(["safety-net", "--restore"], flags.data));
  return [
    pairedTable(columns, rows, seconds, width) ?? renderTable([...columns, { title: "detail" }], withSeconds, width),
    missing.length > maxListed ? `and ${thousands(missing.length - maxListed)} more\n` : "",
    summary,
    "What is younger than a few minutes may still be on its way; otherwise see the function's log first.\n",
    stuck === 0
      ? ""
      : `${counted(stuck, "message")} that Pub/Sub forwarded or nobody explained can only be pulled from the subscription.\n`,
    next,
  ].join("");
}
