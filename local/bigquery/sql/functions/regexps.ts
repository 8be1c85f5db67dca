import type { Call, Expression } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { quoteText } from "../types.ts";
import type { ArgumentPrinter, FunctionTable } from "./rule.ts";

/** DuckDB and BigQuery both match with RE2, so patterns pass as they are. */
export const regexpFunctions: FunctionTable = {
  REGEXP_CONTAINS: {
    arguments: "string string",
    returns: "BOOL",
    print: (text, pattern) => `regexp_matches(${text}, ${pattern})`,
  },
  REGEXP_EXTRACT: { counts: [2, 2], returns: "STRING", special: printExtract },
  REGEXP_SUBSTR: { counts: [2, 2], returns: "STRING", special: printExtract },
  REGEXP_EXTRACT_ALL: { counts: [2, 2], special: printExtractAll },
  REGEXP_REPLACE: {
    arguments: "string string string",
    returns: "STRING",
    print: (text, pattern, replacement) => `regexp_replace(${text}, ${pattern}, ${replacement}, 'g')`,
  },
};

function printExtract(call: Call, printer: ArgumentPrinter): string {
  const { text, pattern, group } = readArguments(call, printer);
  return `bq_regexp_extract(${text}, ${pattern}, ${group})`;
}

function printExtractAll(call: Call, printer: ArgumentPrinter): string {
  const { text, pattern, group } = readArguments(call, printer);
  return `regexp_extract_all(${text}, ${pattern}, ${group})`;
}

/** The whole match, or the one group where the pattern has one: which of them is known only for a constant pattern. */
function readArguments(call: Call, printer: ArgumentPrinter): { text: string; pattern: string; group: number } {
  const [value, pattern] = call.arguments as readonly [Expression, Expression];
  const constant = printer.constantText(pattern);
  if (constant === undefined) {
    throw new StatementFault(`${call.name} needs a string literal as its pattern in this warehouse`, pattern.at);
  }
  const group = countGroups(constant);
  if (group > 1) throw new StatementFault("Regular expression has more than one capturing group", pattern.at);
  return { text: printer.guarded(value, "string"), pattern: quoteText(constant), group };
}

function countGroups(pattern: string): number {
  const outsideClasses = pattern.replaceAll(
    /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])*\]/g,
    "",
  );
  return outsideClasses.match(/\((?!\?)|\(\?P?<[^=!]/g)?.length ?? 0;
}

export const regexpMacros: readonly string[] = [
  "CREATE OR REPLACE MACRO bq_regexp_extract(s, p, g) AS " +
    "CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END",
];
