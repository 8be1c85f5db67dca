import assert from "node:assert/strict";
import type { Graph, Node } from "../../infra/graph.ts";

/** Nodes of a type, as `Function`, `cloudfunctionsv2/function:Function` or `gcp:cloudfunctionsv2/function:Function`. */
export function nodesOf({ nodes }: Graph, type: string): readonly Node[] {
  return nodes.filter((node) => `:${node.type}`.endsWith(`:${type}`));
}

/** The only node of a type with this name. */
export function nodeOf(graph: Graph, type: string, name: string): Node {
  const [node, ...others] = nodesOf(graph, type).filter((one) => one.name === name);
  assert.ok(node !== undefined, `there is no ${type} ${name}`);
  assert.equal(others.length, 0);
  return node;
}

/** What is at a path of the inputs, as `serviceConfig.uri`. */
export function inputOf({ inputs }: Node, path: string): unknown {
  return valueAt(inputs, path);
}

/** What is at a path, as `serviceConfig.uri`; undefined when there is nothing. */
export function valueAt(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, key) => fieldOf(inner, key), value);
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const fields: { readonly [key: string]: unknown } = { ...value };
  return fields[key];
}

export function textOf(node: Node, path: string): string {
  const value = inputOf(node, path);
  assert.ok(typeof value === "string", `${path} of ${node.name} is no text`);
  return value;
}
