import type { Measured } from "./child.ts";
import type { ImportCost } from "./import-cost.ts";
import type { Outcome } from "./run-row.ts";

/** Every number of a row the median of its rounds; counts are the last round's. */
export function medianOf(outcomes: readonly Outcome[]): Outcome {
  const measured = outcomes.filter((outcome): outcome is Measured => !("unavailable" in outcome));
  const last = measured.at(-1);
  if (last === undefined) return outcomes[0]!;
  const median = (read: (round: Measured) => number): number => {
    const sorted = measured.map(read).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]!;
  };
  const names = Object.keys(last).filter((name) => typeof last[name as keyof Measured] === "number");
  const numbers = names.map((name) => [name, median((round) => round[name as keyof Measured] as number)]);
  return { ...last, ...(Object.fromEntries(numbers) as object) };
}

export interface Line {
  readonly title: string;
  readonly outcome: Outcome;
}

type Column = readonly [heading: string, cell: (measured: Measured) => string];

const us = (value: number): string => value.toFixed(value < 100 ? 2 : 0);
const ms = (value: number): string => value.toFixed(1);
const mib = (value: number): string => value.toFixed(0);

const waiting: readonly Column[] = [
  ["call p50, us", (row) => us(row.p50Us)],
  ["p99", (row) => us(row.p99Us)],
  ["max", (row) => us(row.maxUs)],
  ["loop delay p99 at 20,000/s, ms", (row) => ms(row.delayMs)],
  ["at 2,000/s", (row) => ms(row.gentleDelayMs)],
];

/** @param floorUs main thread of the floor; undefined when it was not measured */
export function costTable(lines: readonly Line[], events: number, floorUs: number | undefined): string {
  return table(lines, [
    ["main thread, us/event", (row) => us(row.mainUs)],
    ["to the floor", (row) => (floorUs === undefined ? "" : `${(row.mainUs / floorUs).toFixed(1)} x`)],
    ["process, us/event", (row) => us(row.processUs)],
    ["wall, us/event", (row) => us(row.wallUs)],
    ["wire, bytes/event", ({ sent }) => (sent.bytes === 0 ? "" : (sent.bytes / events).toFixed(0))],
    ["requests", ({ sent }) => (sent.requests === 0 ? "" : String(sent.requests))],
    ["arrived", ({ sent }) => (sent.bytes === 0 ? "" : `${((sent.events / events) * 100).toFixed(1)} %`)],
  ]);
}

export function waitingTable(lines: readonly Line[]): string {
  return table(lines, [
    ...waiting,
    ["RSS growth, MiB", (row) => mib(row.rssGrowthMib)],
    ["peak RSS, MiB", (row) => mib(row.peakRssMib)],
  ]);
}

export function conditionTable(lines: readonly Line[]): string {
  return table(lines, [
    ["main thread, us/event", (row) => us(row.mainUs)],
    ["process, us/event", (row) => us(row.processUs)],
    ...waiting,
    ["peak RSS, MiB", (row) => mib(row.lifetimePeakRssMib)],
    [
      "stats() at the end",
      ({ stats }) =>
        Object.entries(stats ?? {})
          .filter(([, value]) => typeof value === "number")
          .map(([name, value]) => `${name} ${typeof value === "number" ? value.toLocaleString("en") : String(value)}`)
          .join(", "),
    ],
  ]);
}

export function importTable(costs: readonly ImportCost[]): string {
  return markdown(
    ["", "median, ms", "min, ms", "files loaded", "of Node's own"],
    costs.map(({ form, medianMs, minMs, modules, builtins }) => [
      form,
      ms(medianMs),
      ms(minMs),
      String(modules),
      String(builtins),
    ]),
  );
}

function table(lines: readonly Line[], columns: readonly Column[]): string {
  return markdown(
    ["", ...columns.map(([heading]) => heading)],
    lines.map(({ title, outcome }) => [
      title,
      ...("unavailable" in outcome
        ? columns.map((_, index) => (index === 0 ? outcome.unavailable : ""))
        : columns.map(([, cell]) => cell(outcome))),
    ]),
  );
}

function markdown(headings: readonly string[], cells: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  return [line(headings), `|${"---|".repeat(headings.length)}`, ...cells.map(line)].join("\n");
}
