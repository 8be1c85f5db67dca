/** `npm run deploy`, with a command `pulumi` that says what it is told to, and writes down what it was asked. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { snapshotOf, snapshotText } from "@indelible/schemas/snapshot.ts";

const folder = mkdtempSync(join(tmpdir(), "indelible-deploy-"));
const asked = join(folder, "asked.txt");
after(() => rmSync(folder, { recursive: true, force: true }));

const pulumi = join(folder, "pulumi");
writeFileSync(
  pulumi,
  `#!${process.execPath}
const args = process.argv.slice(2).join(" ").replace(/^--cwd \\S+ /, "");
require("fs").appendFileSync(${JSON.stringify(asked)}, args + "\\n");
if (args.startsWith("stack output")) process.stdout.write(process.env.OUTPUTS);
process.exit(Number(args.startsWith("up") ? process.env.UP : process.env.STACK ?? 0));
`,
);
chmodSync(pulumi, 0o755);

interface Told {
  readonly outputs?: object;
  readonly stack?: number;
  readonly up?: number;
  readonly path?: string;
}

function deploy(told: Told, ...args: string[]): { status: number | null; stderr: string; calls: string[] } {
  rmSync(asked, { force: true });
  const { outputs = {}, stack = 0, up = 0, path = folder } = told;
  const { status, stderr } = spawnSync(
    process.execPath,
    [fileURLToPath(new URL("../../infra/deploy.ts", import.meta.url)), ...args],
    {
      encoding: "utf8",
      env: { PATH: path, OUTPUTS: JSON.stringify(outputs), STACK: String(stack), UP: String(up) },
    },
  );
  const calls = existsSync(asked) ? readFileSync(asked, "utf8").trim().split("\n") : [];
  return { status, stderr, calls };
}

const LOOK = "stack output --json --show-secrets";
const now = snapshotOf("0.1.0");

describe("npm run deploy", () => {
  it("deploys to a stack that nothing was deployed to, and one that has what is declared", () => {
    for (const outputs of [{}, { declaration: snapshotText(now) }]) {
      const { status, calls } = deploy({ outputs });
      assert.equal(status, 0);
      assert.deepEqual(calls, [LOOK, "up"]);
    }
  });

  it("hands its options on, and ends as pulumi does", () => {
    const { status, calls } = deploy({ up: 255 }, "--stack", "staging", "--yes");
    assert.equal(status, 255);
    assert.deepEqual(calls, [`${LOOK} --stack staging`, "up --stack staging --yes"]);
  });

  it("does not deploy an older checkout: it would drop the columns that it does not know", () => {
    const { action_logs, ...tables } = now.tables;
    assert.ok(action_logs !== undefined);
    const more = { type: "string", required: false, description: "Newer.", maxLength: 10 } as const;
    const newer = {
      ...now,
      release: "0.2.0",
      tables: {
        ...tables,
        action_logs: { ...action_logs, version: action_logs.version + 1, columns: { ...action_logs.columns, more } },
      },
    };
    const { status, stderr, calls } = deploy({ outputs: { declaration: snapshotText(newer) } });
    assert.equal(status, 1);
    assert.deepEqual(calls, [LOOK]);
    assert.match(stderr, /Not allowed since release 0\.2\.0/);
    assert.match(stderr, /action_logs\.more/);
    assert.match(stderr, /Deploy from the newest release\.\n$/);
  });

  it("does not deploy over what it does not understand", () => {
    for (const declaration of ["{}", 7]) {
      const { status, stderr, calls } = deploy({ outputs: { declaration } });
      assert.equal(status, 1);
      assert.deepEqual(calls, [LOOK]);
      assert.match(stderr, /as new as the last one/);
    }
  });

  it("does not deploy when pulumi cannot say what there is, or is not there", () => {
    const mute = deploy({ stack: 255 });
    assert.deepEqual([mute.status, mute.calls], [1, [LOOK]]);
    const none = deploy({ path: "/nonexistent" });
    assert.equal(none.status, 1);
    assert.match(none.stderr, /^pulumi cannot be run .*docs\/deploy\.md/);
  });
});
