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
  const sum = `Stack ${stack}: ${nodes.length} resources of ${kinds.size} types, ${locked} of them protected (*). Nothing was asked of the cloud.\n`;
  return [...blocks, sum].join("\n");
}

function lineOf({ name, inputs, protect }: Node): string {
  const more = detailOf(inputs).filter((detail) => detail !== name);
  return `  ${protect ? "*" : " "} ${[name, ...more].join("  ")}`.trimEnd();
}

/** What a person looks for first, of whatever kind it is. */
function detailOf(inputs: Inputs): readonly string[] {
  return ["role", "member", "members", "permissions", "service", "schedule", "runtime"].flatMap((input) => {
    const value = inputs[input];
    if (value === undefined) return [];
    return [Array.isArray(value) ? value.join(", ") : String(value)];
  });
}

function settingsOf(inputs: Inputs): string {
  return stringify(inputs).trimEnd().replaceAll(/^/gm, "        ");
}
