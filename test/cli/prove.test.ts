import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { formatVerifierKey, verifierKeyOf } from "@indelible/ledger/note.ts";
import { logIdOf, ProofWorld, signer } from "../ledger/proof-world.ts";
import { testSigner } from "../ledger/test-keys.ts";

describe("indelible verify-proof", () => {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "indelible-prove-"));
  const file = join(folder, "proof.json");
  after(() => rmSync(folder, { recursive: true }));
  before(async () => {
    const world = await ProofWorld.make();
    writeFileSync(file, JSON.stringify(await world.prove(3)));
  });

  async function verifyProof(...args: readonly string[]): Promise<{ code: number | null; out: string }> {
    const child = spawn(process.execPath, [main, "verify-proof", file, "--data", folder, ...args], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, out };
  }

  it("proves by a single key, which is trusted for all time", async () => {
    const { code, out } = await verifyProof("--keys", formatVerifierKey(verifierKeyOf(signer)), "--json");
    const { proved, log_id, sealed_at } = JSON.parse(out) as { [name: string]: unknown };
    assert.deepEqual([code, proved, log_id, sealed_at], [0, true, logIdOf(3), "2026-06-01T12:02:00.000000Z"]);
  });

  it("proves nothing by another key, and nothing by the proof's own", async () => {
    const other = formatVerifierKey(verifierKeyOf(testSigner(signer.name, "another")));
    assert.deepEqual(await verifyProof("--keys", other, "--json"), { code: 1, out: "" });
    const { code, out } = await verifyProof("--json");
    assert.equal(code, 1);
    assert.equal((JSON.parse(out) as { proved: boolean }).proved, false);
  });
});
