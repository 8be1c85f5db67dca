import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DataFolder, Dev, dev } from "./dev.ts";

const skip = process.platform === "linux" ? false : "finds the services by /proc";
const [runs, turns] = [120, 12];
// A start, an end, and for each turn two messages, an action's start and completion, and the MCP call.
const expected = runs * (2 + turns * 5);

/** Resolves when rows of the import are in the warehouse, though not yet all. */
async function midway(data: DataFolder): Promise<void> {
  for (;;) {
    const count = await countRows(data).catch(() => 0);
    if (count > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function countRows(data: DataFolder): Promise<number> {
  const environment = JSON.parse(readFileSync(join(data.path, "data/env.json"), "utf8")) as {
    BIGQUERY_EMULATOR_HOST: string;
  };
  const response = await fetch(`${environment.BIGQUERY_EMULATOR_HOST}/projects/indelible-local/queries`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "SELECT COUNT(*) AS n FROM agent_logs.action_logs_history", useLegacySql: false }),
  });
  const result = (await response.json()) as { rows?: { f: { v: string }[] }[] };
  return Number(result.rows?.[0]?.f[0]?.v ?? 0);
}

describe("kill -9 in the middle of an import", { skip }, () => {
  for (const service of ["local/pubsub", "local/bigquery", "subscriber"]) {
    it(`${service} - is started again, and nothing is missing and nothing extra`, async () => {
      using data = new DataFolder();
      const running = new Dev(data, ["--once", "--json", "--import", data.transcripts(runs, turns)]);
      await midway(data);
      const pid = running.pidOf(service);
      assert.ok(pid !== undefined);
      process.kill(pid, "SIGKILL");
      const { exitCode, report } = await running.end();
      assert.match(running.errors, /died \(SIGKILL\)/);
      assert.deepEqual([report.totals.missing, report.totals.extra], [0, 0], running.errors);
      assert.equal(report.totals.rows, expected);
      assert.equal(exitCode, 0);
      assert.deepEqual(report.hashes, { checked: expected, right: expected });
    });
  }

  it("indelible itself - its services end with it, and the next import makes up for what was lost", async () => {
    using data = new DataFolder();
    const file = data.transcripts(runs, turns);
    const running = new Dev(data, ["--once", "--json", "--import", file]);
    await midway(data);
    const broker = Number(/pubsub: ready on 127\.0\.0\.1:(\d+)/.exec(running.errors)?.[1]);
    running.process.kill("SIGKILL");
    await running.ended();
    // The broker's port is free again when it has ended.
    for (;;) {
      const socket = connect(broker, "127.0.0.1");
      const outcome = await Promise.race([once(socket, "connect"), once(socket, "error").catch(() => "refused")]).catch(
        () => "refused",
      );
      socket.destroy();
      if (outcome === "refused" || (outcome as unknown[])[0] instanceof Error) break;
    }
    const { exitCode, report } = await dev(data, "--import", file);
    assert.equal(exitCode, 0);
    assert.deepEqual([report.totals.missing, report.totals.extra], [0, 0]);
    assert.equal(report.totals.rows + report.totals.duplicates, expected);
    assert.deepEqual(report.hashes, { checked: expected, right: expected });
  });
});
