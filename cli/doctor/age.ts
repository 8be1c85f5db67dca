import { counted } from "../terminal/table.ts";

const units: readonly (readonly [name: string, ms: number])[] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** A length of time in its largest unit that counts two or more, in whole numbers, for people: `90 minutes`, `2 days`. */
export function durationText(ms: number): string {
  for (const [name, unit] of units) if (ms >= 2 * unit) return counted(Math.floor(ms / unit), name);
  return counted(Math.max(0, Math.round(ms / 1000)), "second");
}
