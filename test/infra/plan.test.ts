import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, it } from "node:test";
import type { Graph } from "../../infra/graph.ts";

const plan = fileURLToPath(new URL("../../infra/plan.ts", import.meta.url));

const graph = new URL("../../infra/graph.ts", import.meta.url).href;

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  // Without a home there are no credentials, and without a proxy or a network nothing can be asked.
  return spawnSync(process.execPath, [plan, ...args], { encoding: "utf8", env: { PATH: "", HOME: "/nonexistent" } });
}

describe("graphOf()", () => {
  it("rejects with what an output failed with, instead of leaving it to the process", () => {
    // In a process of its own, whose rejections no test runner hears of.
    const program = `
      import { graphOf } from ${JSON.stringify(graph)};
      import { output } from "@pulumi/pulumi";
      const config = { "gcp:project": "acme-agents", "gcp:region": "europe-west1", "indelible:denyPolicy": "false" };
      const refuse = () => { throw new Error("no such key"); };
      const failing = () => ({ keys: output(1).apply(refuse), more: output(2).apply(refuse).apply(String) });
      await graphOf(config, failing).catch((error) => console.log("caught", error.message));
      console.log((await graphOf(config, () => ({ keys: output(1) }))).outputs.keys);
    `;
    const cwd = fileURLToPath(new URL("./", graph));
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      cwd,
      encoding: "utf8",
    });
    assert.deepEqual([status, stdout, stderr], [0, "caught no such key\n1\n", ""]);
  });
});

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

  it("has no line of more than 80 columns, but for single words that are longer", () => {
    const wide = run()
      .stdout.split("\n")
      .filter((line) => line.length > 80 && line.trim().includes(" "));
    assert.deepEqual(wide, []);
  });

  it("is not disturbed when whoever reads it has read enough", async () => {
    const child = spawn(process.execPath, [plan, "--json"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.once("data", () => child.stdout.destroy());
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
    assert.deepEqual([code, said], [0, ""]);
  });

  for (const args of [["--stak", "x"], ["--stack", "../../etc/passwd"], ["extra"]]) {
    it(`takes ${args.join(" ")} for wrong usage`, () => {
      const { status, stderr } = run(...args);
      assert.equal(status, 2);
      assert.match(stderr, /^[^\n]+\nRun npm run infra:plan -- --help to see what is possible\.\n$/);
    });
  }

  it("explains itself, with an example", () => {
    const { status, stdout } = run("--help");
    assert.equal(status, 0);
    assert.match(stdout, /Example:\n/);
  });
});
