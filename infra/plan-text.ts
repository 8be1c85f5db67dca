import { stringify } from "yaml";
import type { Graph, Node } from "./graph.ts";

type Inputs = Node["inputs"];

/** Resources under the name of their kind, one a line, with what tells them apart; those that Pulumi refuses to delete have a lock. */
export function planText(stack: string, { nodes }: Graph, full: boolean): string {
  const kinds = Map.groupBy(nodes, ({ type }) => type);
  const blocks = [...kinds].map(([type, members]) => {
    const lines = members.flatMap((node) => [lineOf(node), ...(full ? [settingsOf(node.inputs)] : [])]);
    return `${type} (${members.length})\n${lines.join("\n")}\n`;
  });
  const locked = nodes.filter(({ protect }) => protect).length;
  const sum = `Stack ${stack}: ${nodes.length} resources of ${kinds.size} types, ${locked} of them protected (*).\nNothing was asked of the cloud.\n`;
  return [...blocks, sum].join("\n");
}

/** On one line what fits on one; else the details are below the name, as many on a line as fit. */
function lineOf({ name, inputs, protect }: Node): string {
  const more = detailsOf(inputs).filter((detail) => !name.includes(detail));
  const head = `  ${protect ? "*" : " "} ${name}`;
  const line = [head, ...more].join("  ");
  if (line.length <= COLUMNS) return line;
  if (head.length <= COLUMNS) return [head, ...filled(more)].join("\n");
  const [first = "", ...rest] = head.split(/(?<=\S) /);
  return [first, ...filled([...rest, ...more])].join("\n");
}

const COLUMNS = 80;
const INDENT = " ".repeat(8);

function filled(words: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const longer = `${lines.at(-1)}  ${word}`;
    if (lines.length > 0 && longer.length <= COLUMNS) lines[lines.length - 1] = longer;
    else lines.push(INDENT + word);
  }
  return lines;
}

/** What a person looks for first, of whatever kind it is: its name in the cloud, and who may do what. */
const telling = [
  "name",
  "accountId",
  "datasetId",
  "displayName",
  "roleId",
  "permissions",
  "role",
  "member",
  "schedule",
  "destination",
];

function detailsOf(inputs: Inputs): readonly string[] {
  return telling.flatMap((input) => {
    const value = inputs[input];
    if (Array.isArray(value)) return value.map(String);
    // A custom role is told by its ID.
    return typeof value === "string" ? [value.replace(/^projects\/[^/]+\/roles\//, "")] : [];
  });
}

function settingsOf(inputs: Inputs): string {
  return stringify(inputs).trimEnd().replaceAll(/^/gm, "        ");
}
