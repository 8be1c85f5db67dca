import { RESERVED_PREFIX } from "@indelible/schemas/attributes.ts";
import { deadLetterTopic } from "@indelible/schemas/names.ts";
import { confirm } from "../terminal/confirmation.ts";
import { interruption } from "../terminal/interruption.ts";
import { jsonText } from "../terminal/json-text.ts";
import { counted, renderTable, thousands } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import { ACT_STALL_MS, atDesk, publishAll, type Desk } from "./desk.ts";
import { commandText, nextText } from "./next.ts";
import { pairedTable } from "./paired-table.ts";
import { compare, isRestorable, reasonOf, type Comparison, type Held } from "./safety-net.ts";
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

/** Prints what only the safety net has, and publishes it again if that is wanted. @returns the exit code: 1 when something is missing */
export async function runSafetyNet(flags: SafetyNetFlags): Promise<number> {
  using interrupted = interruption();
  const { signal } = interrupted;
  const asText = process.stdout.isTTY && flags.json !== true;
  return await atDesk(flags.data, { deadlineMs: ACT_STALL_MS }, async (desk) => {
    const comparison = await withSafetyNet(desk.project, desk.topicPrefix, (net) =>
      compare(net, desk.reader, flags.limit),
    );
    signal.throwIfAborted();
    const { missing } = comparison;
    const restorable = missing.filter(isRestorable);
    if (flags.restore !== true || flags.dryRun === true || restorable.length === 0) {
      process.stdout.write(asText ? comparisonText(comparison, flags) : jsonText(comparisonOf(comparison)));
      return missing.length === 0 ? 0 : 1;
    }
    process.stderr.write(`${counted(restorable.length, "message")} that only the safety net has\n`);
    const question = `Publish ${counted(restorable.length, "message")} to the dead-letter topic again?`;
    if (flags.yes !== true && !(await confirm(question, signal))) return 1;
    await restore(desk, restorable);
    const left = missing.length - restorable.length;
    process.stdout.write(
      asText
        ? `Published ${thousands(restorable.length)} again: they become rows as soon as the function can write.\n${nextText(commandText(["list"], flags.data))}`
        : jsonText({ ...comparisonOf(comparison), restored: restorable.length }),
    );
    return left === 0 ? 0 : 1;
  });
}

/** Publishes messages once more. Done twice it is still one dead letter each. */
async function restore(desk: Desk, messages: readonly Held[]): Promise<void> {
  const again = messages.map(({ data, attributes }) => ({
    data,
    attributes: Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.startsWith(RESERVED_PREFIX))),
  }));
  await publishAll(desk, deadLetterTopic(desk.topicPrefix), again);
}

function comparisonOf({ looked, complete, missing }: Comparison): object {
  return {
    looked,
    complete,
    missing: missing.map((held) => ({
      messageId: held.messageId,
      publishedAt: held.publishedAt,
      ...reasonOf(held),
      bytes: held.data.length,
      restorable: isRestorable(held),
    })),
  };
}

function comparisonText({ looked, complete, missing }: Comparison, flags: SafetyNetFlags): string {
  const scope = complete ? "all that it gave" : `the first that it gave; --limit allows more`;
  const summary = `Looked at ${counted(looked, "message")} of the safety net, ${scope}: ${thousands(missing.length)} without a row in dead_letters.\n`;
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
