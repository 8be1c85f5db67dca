import type { CostSurvey } from "./survey.ts";
import { decimalOf, nanosOf } from "./usd.ts";

const dayMicros = 86_400_000_000n;
const monthDays = 30n;

/** What is used of a budget for the window that was asked about. Amounts are exact decimals of dollars. */
export interface Budget {
  readonly budget_usd: string;
  readonly used_usd: string;
  /** 1: all of it. */
  readonly used_share: number;
  readonly is_exceeded: boolean;
  /** What 30 days cost at the rate of the window; null while the window is shorter than a day. */
  readonly per_30_days_usd: string | null;
}

/**
 * @param budgetNanos billionths of a dollar, more than 0
 * @param window microseconds since 1970; `until` is now, at the latest
 */
export function budgetOf(
  { total }: Pick<CostSurvey, "total">,
  budgetNanos: bigint,
  { since, until }: { readonly since: number; readonly until: number },
): Budget {
  const used = nanosOf(total.cost_usd);
  const micros = BigInt(Math.max(0, until - since));
  return {
    budget_usd: decimalOf(budgetNanos),
    used_usd: total.cost_usd,
    used_share: Number((used * 10_000n) / budgetNanos) / 10_000,
    is_exceeded: used > budgetNanos,
    per_30_days_usd: micros < dayMicros ? null : decimalOf((used * monthDays * dayMicros) / micros),
  };
}
