import type { Entry } from "../delivery/entries.ts";
import { founderReview, overconfidence, readers, upload } from "./afternoon.ts";
import { budget, redPhone } from "./finance.ts";
import { briefing, campaign } from "./morning.ts";
import { Script } from "./script.ts";

/** What is unusual in the sample, for the report. */
export const sampleNotes: readonly string[] = [
  "One event of the sample is sent twice on purpose: the second one is a duplicate.",
  "One event of the sample is broken on purpose (an agent that is 170 % sure): it is a dead letter.",
];

/**
 * A day in a small company of agents: a tea house with a CEO, a CFO and a CMO. Deterministic: the same day gives the
 * same bytes and IDs.
 *
 * @param day such as 2026-01-31, in UTC
 */
export function sampleDay(day: string): readonly Entry[] {
  const script = new Script(day);
  briefing(script);
  campaign(script);
  const reviewBudget = budget(script);
  redPhone(script);
  upload(script);
  script.repeat(founderReview(script));
  reviewBudget();
  overconfidence(script);
  readers(script);
  return script.entries;
}
