/** The program, loaded by Pulumi's own language runtime with the options of Pulumi.yaml, as `pulumi preview` loads it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { after, describe, it } from "node:test";
import { parse } from "yaml";
import { bundleFiles } from "../../infra/bundle.ts";
import { graphOf } from "../../infra/graph.ts";
import { previewEngine } from "./engine.ts";
import { production } from "./stacks.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const runner = createRequire(import.meta.url).resolve("@pulumi/pulumi/cmd/run");
const folder = mkdtempSync(join(tmpdir(), "indelible-infra-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A checkout that has been built, or not: the program looks for bundles beside itself. */
function checkout(name: string, bundles: readonly string[]): string {
  const path = join(folder, name);
  cpSync(join(root, "infra"), join(path, "infra"), {
    recursive: true,
    filter: (source) => !source.endsWith("node_modules"),
  });
  symlinkSync(join(root, "node_modules"), join(path, "node_modules"));
  for (const bundle of bundles) {
    mkdirSync(join(path, "dist", bundle), { recursive: true });
    for (const file of bundleFiles) writeFileSync(join(path, "dist", bundle, file), `{"name":"${bundle}"}\n`);
  }
  return join(path, "infra");
}

interface Run {
  readonly code: number | null;
  readonly registered: readonly string[];
  readonly said: string;
}

async function preview(infra: string): Promise<Run> {
  const engine = await previewEngine();
  const { runtime } = parse(readFileSync(join(infra, "Pulumi.yaml"), "utf8")) as {
    readonly runtime: { readonly options: { readonly typescript: boolean } };
  };
  const args = ["--project=indelible", "--stack=production", `--pwd=${infra}`, "--dry-run", "--parallel=16"];
  const child = spawn(
    process.execPath,
    [runner, ...args, `--monitor=${engine.address}`, `--engine=${engine.address}`, "."],
    {
      env: {
        PATH: process.env["PATH"] ?? "",
        PULUMI_NODEJS_TYPESCRIPT: String(runtime.options.typescript),
        PULUMI_CONFIG: JSON.stringify(production),
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  engine.close();
  return { code, registered: engine.registered, said: [stdout, stderr, ...engine.errors].join("\n") };
}

describe("Pulumi's language runtime", () => {
  it("runs the program, which asks for what the graph has, though nothing is known of what there is yet", async () => {
    const { nodes } = await graphOf(production);
    const { code, registered, said } = await preview(checkout("built", ["function", "sealer", "worker"]));
    assert.equal(code, 0, said);
    const asked = registered.filter((name) => !name.startsWith("pulumi:"));
    assert.deepEqual(asked.toSorted(), nodes.map(({ type, name }) => `${type} ${name}`).toSorted());
  });

  it("fails, and says what to do, where nothing has been built", async () => {
    const { code, registered, said } = await preview(checkout("fresh", []));
    assert.notEqual(code, 0);
    assert.match(said, /there is no dist\/function to deploy/);
    assert.match(said, /npm run build/);
    assert.deepEqual(
      registered.filter((name) => !name.startsWith("pulumi:")),
      [],
    );
  });
});
