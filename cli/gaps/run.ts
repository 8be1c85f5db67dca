import { jsonText } from "../terminal/json-text.ts";
import { openWarehouse } from "../warehouse.ts";
import { surveyText } from "./text.ts";
import { surveyOf } from "./survey.ts";

export interface GapsFlags {
  readonly publisher?: string;
  /** Microseconds since 1970. */
  readonly since?: number;
  /** Microseconds since 1970: gaps whose next number was published later are not settled. */
  readonly settled: number;
  readonly json?: true;
  readonly data: string;
}

/** Who waits for a service that is away waits for so long. */
const stallMs = 10_000;

/** Prints what is missing. Resolves to the exit code: 1 when there is a settled gap. Throws what `surveyOf` throws. */
export async function runGaps(flags: GapsFlags): Promise<0 | 1> {
  const warehouse = await openWarehouse(flags.data);
  const survey = await surveyOf(warehouse, { deadlineMs: stallMs }, flags);
  const asTable = process.stdout.isTTY && flags.json !== true;
  process.stdout.write(asTable ? surveyText(survey, process.stdout.columns) : jsonText(survey));
  return survey.settled.ranges === 0 ? 0 : 1;
}
