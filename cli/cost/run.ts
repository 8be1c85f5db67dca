import { jsonText } from "../terminal/json-text.ts";
import { openWarehouse } from "../warehouse.ts";
import { budgetOf } from "./budget.ts";
import type { CostScope } from "./scope.ts";
import { costOf, newestConversation } from "./survey.ts";
import { costText, exceededText, nothingText } from "./text.ts";

export interface CostFlags extends CostScope {
  /** Billionths of a dollar. */
  readonly budget?: bigint;
  readonly reconcile?: true;
  readonly json?: true;
  readonly data: string;
}

/** Who waits for a service that is away waits for so long. */
const stallMs = 10_000;

/** Prints what was spent. Resolves to the exit code: 1 when the budget is exceeded. Throws what `costOf` throws. */
export async function runCost(flags: CostFlags): Promise<0 | 1> {
  const warehouse = await openWarehouse(flags.data);
  const patience = { deadlineMs: stallMs };
  const survey = await costOf(warehouse, patience, flags, flags.reconcile);
  const until = Math.min(flags.until ?? Infinity, Date.now() * 1000);
  const budget = flags.budget === undefined ? undefined : budgetOf(survey, flags.budget, { since: flags.since, until });
  if (!process.stdout.isTTY || flags.json === true) {
    process.stdout.write(jsonText({ ...survey, ...(budget !== undefined && { budget }) }));
  } else if (survey.group_count === 0) {
    process.stdout.write(nothingText(survey, await newestConversation(warehouse, patience)));
  } else {
    process.stdout.write(costText(survey, budget, process.stdout.columns));
  }
  if (budget?.is_exceeded !== true) return 0;
  process.stderr.write(exceededText(budget, survey.since));
  return 1;
}
