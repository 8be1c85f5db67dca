import { counted } from "../terminal/table.ts";

/** A retention, for people. */
export function daysText(seconds: number): string {
  return seconds === 0 ? "no time" : counted(Math.round((seconds / 86_400) * 10) / 10, "day");
}
