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
  const more = detailsOf(inputs).filter((detail) => !name.includes(detail));
  return `  ${protect ? "*" : " "} ${[name, ...more].join("  ")}`;
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
    if (Array.isArray(value)) return [value.join(", ")];
    // A custom role is told by its ID.
    return typeof value === "string" ? [value.replace(/^projects\/[^/]+\/roles\//, "")] : [];
  });
}

function settingsOf(inputs: Inputs): string {
  return stringify(inputs).trimEnd().replaceAll(/^/gm, "        ");
}
