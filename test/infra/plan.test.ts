import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, it } from "node:test";
import type { Graph } from "../../infra/graph.ts";

const plan = fileURLToPath(new URL("../../infra/plan.ts", import.meta.url));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  // Without a home there are no credentials, and without a proxy or a network nothing can be asked.
  return spawnSync(process.execPath, [plan, ...args], { encoding: "utf8", env: { PATH: "", HOME: "/nonexistent" } });
}

describe("npm run infra:plan", () => {
  it("prints the resources of the example, by type, and how many there are", () => {
    const { status, stdout, stderr } = run();
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^gcp:pubsub\/topic:Topic \(10\)\n {2}\* agent-logs\.action_logs\n/m);
    assert.match(stdout, /^Stack example: \d+ resources of \d+ types, \d+ of them protected \(\*\)\./m);
  });

  it("prints JSON that says the same, and the same each time", () => {
    const { status, stdout } = run("--json");
    assert.equal(status, 0);
    const { nodes } = JSON.parse(stdout) as Graph;
    assert.equal(nodes.filter(({ type }) => type === "gcp:pubsub/topic:Topic").length, 10);
    assert.equal(run("--json").stdout, stdout);
  });

  it("prints each setting when it is asked to", () => {
    assert.match(
      run("--full").stdout,
      /agent-logs\.action_logs\n(?: {8}.*\n)* {8}messageRetentionDuration: 2678400s\n/,
    );
  });

  it("says what to do when there is no such stack, and exits with 1", () => {
    const { status, stdout, stderr } = run("--stack", "nowhere");
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /Pulumi\.nowhere\.yaml cannot be read\nCopy infra\/Pulumi\.example\.yaml/);
  });

  for (const args of [["--stak", "x"], ["--stack", "../../etc/passwd"], ["extra"]]) {
    it(`takes ${args.join(" ")} for wrong usage`, () => {
      const { status, stderr } = run(...args);
      assert.equal(status, 2);
      assert.match(stderr, /Usage: npm run infra:plan/);
    });
  }

  it("explains itself, with an example", () => {
    const { status, stdout } = run("--help");
    assert.equal(status, 0);
    assert.match(stdout, /Example:\n/);
  });
});
