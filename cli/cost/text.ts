import { bar } from "../terminal/bar.ts";
import { cellWidth, printable } from "../terminal/cell.ts";
import { counted, renderTable, thousands, type TableColumn } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import type { Budget } from "./budget.ts";
import { reasons, type Bridge } from "./bridge.ts";
import { dimensions, type Dimension } from "./scope.ts";
import type { CostGroup, CostSums, CostSurvey, Readings } from "./survey.ts";
import { decimalsFor, nanosOf, usdText } from "./usd.ts";

const defaultWidth = 80;
const gap = 2;
const minBarWidth = 4;
const maxBarWidth = 30;
const percentWidth = 4;
/** More lines than this nobody reads; JSON has more. */
const maxListed = 100;

/** What was spent, for people. `width` is that of the terminal. Default: 80 columns */
export function costText(survey: CostSurvey, budget: Budget | undefined, width: number = defaultWidth): string {
  const parts = [
    `${groupsTable(survey, width)}\n`,
    unknownText(survey.total.unknown),
    survey.readings === undefined
      ? "--reconcile shows how this comes from the raw rows.\n"
      : readingsText(survey.readings),
    ...(survey.bridge === undefined ? [] : [`\n${bridgeText(survey.bridge, width)}`]),
    ...(survey.changed_meanwhile === true
      ? ["The log changed while it was asked: these rows are not those of the total above. Ask again.\n"]
      : []),
    ...(budget === undefined ? [] : [`\n${budgetText(budget, width)}`]),
  ];
  return parts.join("");
}

const titles: { readonly [column: string]: string } = {
  business_id: "business",
  agent_position: "agent",
  model_provider: "provider",
  model_name: "model",
  server_name: "server",
  tool_name: "tool",
};

function groupsTable({ groups, group_count, by, total }: CostSurvey, width: number): string {
  const names = by.flatMap((dimension) => shownColumns(dimension, groups));
  const decimals = decimalsFor(nanosOf(total.cost_usd));
  const listed = groups.slice(0, maxListed);
  const columns: TableColumn[] = [
    ...names.map((name) => ({ title: titles[name] ?? name })),
    ...["items", "tokens in", "out", "total", "USD"].map((title) => ({ title, align: "right" as const })),
  ];
  const cells = (what: readonly string[], sums: CostSums): string[] => [
    ...what,
    thousands(itemsIn(sums)),
    ...[sums.input_tokens, sums.output_tokens, sums.total_tokens].map(tokensText),
    groupUsdText(sums, decimals),
  ];
  const rows = listed.map((group) =>
    cells(
      names.map((name) => group.what[name] ?? "—"),
      group,
    ),
  );
  const last = cells(
    names.map((_, index) => (index === 0 ? "all" : "")),
    total,
  );
  const withBars = barsOf(listed, total);
  const taken = widthOf([columns.map(({ title }) => title), ...rows, last]) + gap + percentWidth + 1;
  const barWidth = Math.min(maxBarWidth, width - taken);
  if (barWidth < minBarWidth) return tableText(columns, [...rows, last], group_count - listed.length, width);
  const barred = rows.map((row, index) => [...row, withBars[index]?.(barWidth) ?? ""]);
  const title = nanosOf(total.cost_usd) > 0n ? "share" : "share of tokens";
  return tableText([...columns, { title }], [...barred, [...last, ""]], group_count - listed.length, width);
}

function tableText(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  more: number,
  width: number,
): string {
  const table = renderTable(columns, rows, width);
  return more > 0 ? `${table}and ${counted(more, "line")} more\n` : table;
}

/** The business and the provider are told only where there are several. */
function shownColumns(dimension: Dimension, groups: readonly CostGroup[]): readonly string[] {
  const [qualifier = "", name] = dimensions[dimension];
  if (name === undefined) return [qualifier];
  const several = new Set(groups.map(({ what }) => what[qualifier]).filter((value) => value !== null)).size > 1;
  return several ? [qualifier, name] : [name];
}

/** Of each group a bar, against the largest, and its share of all: of dollars, or of tokens where there are none. */
function barsOf(groups: readonly CostGroup[], total: CostSums): ((width: number) => string)[] {
  const isMoney = nanosOf(total.cost_usd) > 0n;
  const amount = (sums: CostSums): number => (isMoney ? Number(sums.cost_usd) : (sums.total_tokens ?? 0));
  const [all, largest] = [amount(total), Math.max(...groups.map(amount))];
  return groups.map((group) => (width) => {
    if (all === 0) return "";
    const percent = `${Math.round((amount(group) / all) * 100)}%`.padStart(percentWidth);
    return `${percent} ${bar(amount(group) / largest, width)}`;
  });
}

function widthOf(rows: readonly (readonly string[])[]): number {
  const columns = rows[0]?.length ?? 0;
  return Array.from({ length: columns }, (_, index) =>
    Math.max(...rows.map((row) => cellWidth(printable(row[index] ?? "")))),
  ).reduce((sum, width) => sum + width + gap, -gap);
}

/** A sum of nothing but unknown costs is no 0. */
function groupUsdText(sums: CostSums, decimals: 2 | 4): string {
  const { conversation, tool, action } = sums.unknown;
  const unknown = conversation + tool + action;
  return unknown > 0 && unknown === itemsIn(sums) ? "unknown" : usdText(nanosOf(sums.cost_usd), decimals);
}

function itemsIn({ conversations, tool_calls, actions }: CostSums): number {
  return conversations + tool_calls + actions;
}

function tokensText(tokens: number | null): string {
  return tokens === null ? "—" : thousands(tokens);
}

const unknownNouns = { conversation: "conversation", tool: "tool call", action: "call of a model" } as const;

function unknownText({ conversation, tool, action }: CostSums["unknown"]): string {
  const counts = [
    [conversation, unknownNouns.conversation],
    [tool, unknownNouns.tool],
    [action, unknownNouns.action],
  ] as const;
  const said = counts.filter(([count]) => count > 0);
  if (said.length === 0) return "";
  const one = said.length === 1 && said[0]?.[0] === 1;
  const list = said.map(([count, noun]) =>
    noun === unknownNouns.action && count !== 1 ? `${thousands(count)} calls of models` : counted(count, noun),
  );
  return `Unknown cost: ${list.join(" and ")} ${one ? "does" : "do"} not say what ${one ? "it costs" : "they cost"}. The sums are without that.\n`;
}

function readingsText({ rows, entries, conflicts }: Readings): string {
  const again = rows - entries;
  const copies = again === 0 ? "no copies" : again === 1 ? "1 copy" : `${thousands(again)} copies`;
  const differing = conflicts === 1 ? "1 entry has" : `${thousands(conflicts)} entries have`;
  const conflict = `${differing} copies that say something else: \`SELECT * FROM conflicts\`.\n`;
  return `Read ${counted(rows, "row")}: ${copies} left out.\n${conflicts === 0 ? "" : conflict}`;
}

const reasonTexts: { readonly [reason in (typeof reasons)[number]]: string } = {
  duplicate: "− duplicates: the same entry again",
  conflict: "− conflicts: the same log_id, published later",
  superseded: "− superseded by a later entry of the same thing",
  "counted as a call of a tool": "− actions that are tool calls: counted as calls of tools",
  "part of its conversation": "− calls of models that their conversations include",
  "out of scope": "− of things that are now of another time or agent",
};

function bridgeText({ raw, less, into_scope, total }: Bridge, width: number): string {
  const decimals = decimalsFor(nanosOf(raw.cost_usd));
  const steps = [
    ["rows that say a cost", raw],
    ...reasons.map((reason) => [reasonTexts[reason], less[reason]] as const),
    ["+ said at another time or by another agent", into_scope],
    ["= total", total],
  ] as const;
  const rows = steps.map(([text, { rows: count, cost_usd }]) => [
    text,
    thousands(count),
    usdText(nanosOf(cost_usd), decimals),
  ]);
  return renderTable(
    [{ title: "from raw rows to the total" }, { title: "rows", align: "right" }, { title: "USD", align: "right" }],
    rows,
    width,
  );
}

function budgetText(budget: Budget, width: number): string {
  const amount = (decimal: string): string => usdText(nanosOf(decimal), 2);
  const percent = `${Math.round(budget.used_share * 100)}%`;
  const label = `Budget  ${amount(budget.used_usd)} of ${amount(budget.budget_usd)} USD, ${percent}  `;
  const room = Math.min(maxBarWidth, width - label.length);
  const shown = room < minBarWidth ? "" : bar(budget.used_share, room).padEnd(room, "░");
  const rate =
    budget.per_30_days_usd === null ? "" : `At this rate ${amount(budget.per_30_days_usd)} USD in 30 days.\n`;
  return `${label}${shown}\n${rate}`;
}

/** The sentence for whoever is told by mail of what cron runs. Amounts that would look the same are exact. */
export function exceededText({ used_usd, budget_usd }: Budget, since: string): string {
  const exact = [used_usd, budget_usd];
  const rounded = exact.map((decimal) => usdText(nanosOf(decimal), 2));
  const [used, budget] = rounded[0] === rounded[1] ? exact : rounded;
  return `over budget: ${used} USD since ${secondText(since)}, and the budget is ${budget} USD\n`;
}

/** @param newest when the newest conversation began, in RFC 3339; undefined: there is none */
export function nothingText({ since, until }: Pick<CostSurvey, "since" | "until">, newest: string | undefined): string {
  const window = until === null ? `since ${secondText(since)}` : `from ${secondText(since)} to ${secondText(until)}`;
  const hint =
    newest === undefined
      ? "The log has no conversation yet: `indelible dlq list` shows what could not be accepted."
      : `The newest conversation began at ${secondText(newest)}. Try another --since, --until, --agent or --business.`;
  return `No cost ${window}.\n${hint}\n`;
}
