import { InvalidArgumentError } from "commander";

const unitMs: { readonly [unit: string]: number } = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** The value of an option that is a time to look ahead, in milliseconds: `12h`, `30d`, `8w`. @throws InvalidArgumentError */
export function durationOption(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,5})([hdw])$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError("It is no duration. Give one such as 12h, 30d or 8w.");
  return Number(amount) * (unitMs[unit] as number);
}

/** `30 d`, or `12 h` of what is no whole number of days. */
export function durationText(ms: number): string {
  const unit = ms % (unitMs["d"] as number) === 0 ? "d" : "h";
  return `${ms / (unitMs[unit] as number)} ${unit}`;
}
