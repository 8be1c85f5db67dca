import { IndelibleError } from "@indelible/schemas/errors.ts";
import { messageOf } from "../terminal/failure.ts";

/** `unknown`: it could not be found out. `skipped`: there is nothing to look at here. */
export type Status = "ok" | "warning" | "problem" | "unknown" | "skipped";

export const areas = ["machine", "stack", "pubsub", "function", "warehouse", "seals", "dead letters"] as const;
export type Area = (typeof areas)[number];

/** What was found, for people, and what repairs it: a command, or a step in a sentence. */
export interface Finding {
  readonly status: Status;
  readonly finding: string;
  readonly fix?: string;
  /** What it is about, when an examination looks at several things: a topic, a table. */
  readonly subject?: string;
}

/** One thing to look at. */
export interface Examination {
  readonly id: string;
  readonly area: Area;
  /** At least one finding. What it throws is a finding too: `unknown`. */
  look(): Promise<readonly Finding[]>;
}

/** A finding of an examination; `id` is the examination's, and its subject behind a colon. */
export interface Check {
  readonly id: string;
  readonly area: Area;
  readonly status: Status;
  readonly finding: string;
  readonly fix?: string;
}

/**
 * Runs all at once; findings are in the order of the examinations. One that fails, or has no answer within the deadline, is `unknown` and hides no other. Never throws.
 */
export async function runExaminations(examinations: readonly Examination[], deadlineMs: number): Promise<Check[]> {
  const found = await Promise.all(
    examinations.map(async (examination) => {
      const findings = await findingsOf(examination, deadlineMs);
      return findings.map(({ subject, ...finding }) => ({
        id: subject === undefined ? examination.id : `${examination.id}:${subject}`,
        area: examination.area,
        ...finding,
      }));
    }),
  );
  return found.flat();
}

async function findingsOf(examination: Examination, deadlineMs: number): Promise<readonly Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    const finding = `${examination.id}: no answer in ${deadlineMs / 1000} s`;
    timer = setTimeout(() => resolve([{ status: "unknown", finding, fix: "Ask again: indelible doctor" }]), deadlineMs);
  });
  try {
    return await Promise.race([examination.look(), late]);
  } catch (error) {
    return [unknownBecause(examination.id, error)];
  } finally {
    clearTimeout(timer);
  }
}

/** The finding of what could not be looked at. */
export function unknownBecause(what: string, error: unknown, subject?: string): Finding {
  const finding = `${what}: ${messageOf(error).replaceAll(/\s*\n\s*/g, " ")}`;
  return {
    status: "unknown",
    finding,
    ...(IndelibleError.is(error) && { fix: error.hint }),
    ...(subject !== undefined && { subject }),
  };
}

/** `findings`, or when there are none that all is well. */
export function orWell(findings: readonly Finding[], finding: string): readonly Finding[] {
  return findings.length > 0 ? findings : [{ status: "ok", finding }];
}
