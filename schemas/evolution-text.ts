/** What changed and what to do, as text for a terminal and as a reference in Markdown. */
import { ruleNames, rules, stepNames, steps, type RuleName } from "./evolution-rules.ts";
import { rolloutOf, type Change } from "./evolution.ts";

/**
 * @param release that it is compared with; undefined before the first
 * @param faults of the declaration itself
 */
export function changesText(
  changes: readonly Change[],
  release: string | undefined,
  faults: readonly string[] = [],
): string {
  const invalid =
    faults.length > 0 ? [`Not valid (${faults.length}):`, ...faults.map((fault) => `  ${fault}`), ""] : [];
  if (release === undefined) return [...invalid, "There is no release yet.", ""].join("\n");
  const against = `release ${release}`;
  if (changes.length === 0) return [...invalid, `Nothing has changed since ${against}.`, ""].join("\n");
  const refused = changes.filter(({ allowed }) => !allowed);
  const allowed = changes.filter((change) => change.allowed);
  return [
    ...invalid,
    ...(refused.length > 0
      ? [`Not allowed since ${against} (${refused.length}):`, ...refused.flatMap(refusal), ""]
      : []),
    ...(allowed.length > 0 ? [`Allowed since ${against} (${allowed.length}):`, ...allowed.map(line), ""] : []),
    ...rollout(changes, refused.length + faults.length > 0),
  ].join("\n");
}

function line({ rule, sentence }: Change): string {
  return `  ${rule}: ${sentence}`;
}

function refusal(change: Change): string[] {
  const { instead, decision } = change;
  return [
    line(change),
    ...(instead === undefined ? [] : [`    instead: ${instead}`]),
    ...(decision === undefined ? [] : [`    key: ${JSON.stringify(decision)}`]),
  ];
}

function rollout(changes: readonly Change[], isRefused: boolean): string[] {
  if (isRefused) return ["There is no order of rollout before everything is allowed and valid.", ""];
  const order = rolloutOf(changes);
  if (order.length === 0) return ["Nothing has to be rolled out in any order.", ""];
  const lines = order.flatMap(({ step, tables }, index) => {
    const names = tables.includes(undefined) ? "all" : tables.join(", ");
    const { what, how, why } = steps[step];
    return [`  ${index + 1}. ${what} (${names}). ${how}`, `     ${why}`];
  });
  return ["Order of rollout:", ...lines, ""];
}

/** The rules and the steps as tables, for docs/schema-changes.md. */
export function rulesReference(): string {
  const allowed = ruleNames.filter((name) => rules[name].allowed);
  const refused = ruleNames.filter((name) => !rules[name].allowed);
  return `## Allowed

| change | why | rollout |
|---|---|---|
${allowed.map((name) => `| ${rules[name].change} | ${rules[name].why} | ${rolloutText(name)} |`).join("\n")}

## Not allowed

| change | why | instead |
|---|---|---|
${refused.map((name) => `| ${rules[name].change} | ${rules[name].why} | ${rules[name].instead ?? ""} |`).join("\n")}

## Order of rollout

| | what | how | why |
|---|---|---|---|
${stepNames.map((step, index) => `| ${index + 1} | ${steps[step].what} | ${steps[step].how} | ${steps[step].why} |`).join("\n")}
`;
}

/** By the numbers of the steps. */
function rolloutText(name: RuleName): string {
  const numbers = rules[name].rollout.map((step) => stepNames.indexOf(step) + 1);
  return numbers.length === 0 ? "in any order" : numbers.join(", ");
}
