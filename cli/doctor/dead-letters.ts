import { DeadLetterWarehouse } from "../dlq/warehouse.ts";
import { counted } from "../terminal/table.ts";
import { durationText } from "./age.ts";
import type { Finding } from "./check.ts";
import type { Installation } from "./installation.ts";
import { commandOn } from "./surroundings.ts";

const maxGroups = 10_000;
const problemMs = 30 * 86_400_000;

/** How many dead letters nobody has decided about, and how old the oldest is. */
export async function findingsOfDeadLetters({
  reader: bigquery,
  datasets,
  data,
}: Installation): Promise<readonly Finding[]> {
  // One try: the deadline of the examination is its patience.
  const groups = await new DeadLetterWarehouse({ bigquery, datasets }, { deadlineMs: 0 }).groups(
    {},
    undefined,
    maxGroups,
  );
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const oldest = Math.min(...groups.map((group) => Date.parse(group.firstSeen)));
  return [deadLetterFinding(count, Date.now() - oldest, data)];
}

/** @param oldestMs how old the oldest open one is */
export function deadLetterFinding(count: number, oldestMs: number, data: string): Finding {
  if (count === 0) return { status: "ok", finding: "No open dead letters." };
  const finding = `${counted(count, "open dead letter")}, the oldest ${durationText(oldestMs)} old; each is gone a year after it came.`;
  return { status: oldestMs > problemMs ? "problem" : "warning", finding, fix: commandOn(data, "dlq list") };
}
