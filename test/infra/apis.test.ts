import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { apis } from "../../infra/apis.ts";
import { graphOf } from "../../infra/graph.ts";
import { nodesOf } from "./nodes.ts";
import { staging } from "./stacks.ts";

const graph = await graphOf(staging);

describe("the services of the project", () => {
  it("are on before anything else is asked for", () => {
    const services = nodesOf(graph, "Service");
    assert.deepEqual(services.map(({ inputs }) => inputs["service"]).toSorted(), apis);
    const early = graph.nodes.filter((node) => !services.includes(node) && node.order < apis.length);
    assert.deepEqual(
      early.map(({ type, name }) => `${type} ${name}`),
      [],
    );
  });

  it("stay on when the stack is torn down: others may use them", () => {
    for (const { inputs, name } of nodesOf(graph, "Service")) assert.equal(inputs["disableOnDestroy"], false, name);
  });
});
