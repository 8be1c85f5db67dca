/**
 * Deploys: holds the declaration of the tables against the one that was deployed last, and then runs `pulumi up`:
 *
 *     npm run deploy -- [--stack production] [any option of `pulumi up`]
 *
 * What was deployed is an output of the stack. It tells an older checkout, which knows fewer columns: deployed, it would drop them, with what is in
 * them. Exit codes: those of `pulumi up`; 1 when it is not run.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { changesText } from "@indelible/schemas/evolution-text.ts";
import { changesBetween } from "@indelible/schemas/evolution.ts";
import { readDecisions } from "@indelible/schemas/releases.ts";
import { parseSnapshot, snapshotOf } from "@indelible/schemas/snapshot.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const options = process.argv.slice(2);

/** Why what is declared may not take the place of what was deployed; undefined when it may. */
function refusal(deployed: unknown): string | undefined {
  // A stack that nothing was deployed to.
  if (deployed === undefined) return undefined;
  const before = typeof deployed === "string" ? parseSnapshot(deployed) : undefined;
  if (before === undefined) {
    return "The stack's output `declaration` is not one that this version understands. Deploy from a checkout that is as new as the last one.\n";
  }
  const changes = changesBetween(before, snapshotOf("next"), readDecisions());
  if (changes.every(({ allowed }) => allowed)) return undefined;
  const advice = "What is deployed has more than this checkout, or something else. Deploy from the newest release.\n";
  return `${changesText(changes, before.release)}\n${advice}`;
}

function pulumi(args: readonly string[], stdout: "inherit" | "pipe"): { status: number; text: string } {
  const {
    error,
    status,
    stdout: text,
  } = spawnSync("pulumi", ["--cwd", folder, ...args], {
    encoding: "utf8",
    stdio: ["inherit", stdout, "inherit"],
  });
  if (error === undefined) return { status: status ?? 1, text };
  process.stderr.write(`pulumi cannot be run (${error.message}). Install it, or put it on PATH: docs/deploy.md.\n`);
  return { status: 1, text: "" };
}

function deploy(): number {
  const at = options.findIndex((option) => /^(-s|--stack)(=|$)/.test(option));
  const stack = at < 0 ? [] : options.slice(at, options[at]?.includes("=") === true ? at + 1 : at + 2);
  const outputs = pulumi(["stack", "output", "--json", "--show-secrets", ...stack], "pipe");
  if (outputs.status !== 0) return 1;
  const { declaration } = JSON.parse(outputs.text) as { readonly declaration?: unknown };
  const refused = refusal(declaration);
  if (refused === undefined) return pulumi(["up", ...options], "inherit").status;
  process.stderr.write(refused);
  return 1;
}

process.exitCode = deploy();
