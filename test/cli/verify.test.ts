import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { Command, CommanderError } from "commander";
import { declareVerify } from "../../cli/verify.ts";
import { runVerify, type AskedTime, type VerifyFlags } from "../../cli/verify/run.ts";
import { BEGINNING, SECOND, sealedWorld, type World } from "../ledger/verify-world.ts";

const folder = mkdtempSync(join(tmpdir(), "verify-"));
after(() => rmSync(folder, { recursive: true }));
let runs = 0;

interface Outcome {
  readonly code: number;
  readonly text: string;
  readonly warned: string;
  readonly closed: boolean;
}

async function run(world: World, flags: Partial<VerifyFlags> = {}, signal?: AbortSignal): Promise<Outcome> {
  let text = "";
  let warned = "";
  let closed = false;
  const options = world.options();
  const code = await runVerify(
    { table: [], data: join(folder, String((runs += 1))), ...flags },
    {
      open: async () => ({
        reader: options.reader,
        store: options.store,
        keys: options.keys,
        witness: options.witness,
        facts: options.facts,
        auditedSessions: options.auditedSessions,
        questions: undefined,
        close: async () => void (closed = true),
      }),
      now: () => world.clock,
      write: (part) => void (text += part),
      warn: (part) => void (warned += part),
      ...(signal !== undefined && { signal }),
    },
  );
  return { code, text, warned, closed };
}

const at = (micros: bigint): AskedTime => ({ text: String(micros), micros });

describe("indelible verify", () => {
  it("says what was verified, and ends with 0", async () => {
    const { world } = await sealedWorld();
    const { code, text, closed } = await run(world);
    assert.equal(code, 0);
    assert.ok(closed);
    assert.match(text, /Asked for {6}the beginning to the last seal/);
    assert.match(text, /20 seals in 2 commits/);
    assert.match(text, /action_logs +1970-01-01T00:00:00Z to 2026-03-02T09:00:15Z +3 +10 /);
    assert.match(text, /Verified: 15 rows in 20 windows of 9 tables, as they were sealed\.\n$/);
  });

  it("names what differs, in groups of at most twenty, and ends with 1", async () => {
    const { world, ids } = await sealedWorld(30);
    for (const id of ids.slice(0, 25)) world.admin.delete("action_logs", id);
    world.admin.update("action_logs", ids[26] as string, { agent_position: "CEO" });
    const { code, text } = await run(world);
    assert.equal(code, 1);
    assert.equal(text.match(/^missing +action_logs +\S+ +the row that was sealed at/gm)?.length, 20);
    assert.match(text, /^missing {2}25: A row that was sealed is not there\.$/m);
    assert.match(text, /^and 5 more$/m);
    assert.match(
      text,
      new RegExp(`^projection-differs +action_logs +${ids[26]} +the column "agent_position" does not`, "m"),
    );
    assert.match(text, /Not verified: .*25 missing/);
  });

  it("prints JSON with times in RFC 3339 and positions as texts", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.delete("action_logs", ids[0] as string);
    const { code, text } = await run(world, { json: true, table: ["action_logs"], since: at(0n) });
    assert.equal(code, 1);
    const value = JSON.parse(text) as { [key: string]: unknown };
    assert.equal(value["verified"], false);
    assert.deepEqual(value["asked"], { tables: ["action_logs"], since: "1970-01-01T00:00:00.000000Z", until: null });
    assert.deepEqual(value["findingCounts"], { missing: 1 });
    assert.deepEqual(value["findings"], [
      {
        code: "missing",
        message: "the row that was sealed at 2026-03-02T08:00:00.000000Z is gone",
        table: "action_logs",
        logId: ids[0],
        window: { start: "2026-03-02T00:00:00.000000Z", end: "2026-03-02T08:00:10.000000Z" },
        logIndex: "5",
      },
    ]);
  });

  it("does not let a forged row write on the terminal", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.copy("action_logs", ids[0] as string, { log_id: "\u001b[2J", message_id: "\u001b[31m" });
    const { text } = await run(world);
    assert.ok(!text.includes("\u001b[2J") && !text.includes("\u001b[31m"));
  });

  it("fails when there is nothing to verify", async () => {
    const { world } = await sealedWorld();
    const { code, text } = await run(world, { since: at(world.clock - 1n) });
    assert.equal(code, 1);
    assert.match(text, /action_logs +nothing/);
    assert.match(text, /Not verified: 9 unsealed\./);
  });

  it("fails when what was asked for has no rows, though it is sealed", async () => {
    const { world } = await sealedWorld();
    const { code, text } = await run(world, { table: ["mcp_usage_logs"] });
    assert.equal(code, 1);
    assert.match(text, /Not verified: no row was sealed in what was asked for\./);
  });

  it("verifies up to --until, and nothing that came later", async () => {
    const { world, ids } = await sealedWorld();
    const until = BEGINNING + 10n * SECOND;
    const [first, last] = [await run(world, { until: at(until) }), await run(world)];
    assert.deepEqual([first.code, last.code], [0, 0]);
    assert.match(first.text, /Asked for {6}the beginning to 2026-03-02T/);
    const rows = (text: string): number => Number(/Verified: (\d+) rows/.exec(text)?.[1]);
    assert.ok(rows(first.text) < rows(last.text), `${rows(first.text)} of ${rows(last.text)}`);
    world.admin.delete("action_logs", ids.at(-1) as string);
    assert.deepEqual([(await run(world, { until: at(until) })).code, (await run(world)).code], [0, 1]);
  });

  it("says how to go on when it is interrupted, and goes on", async () => {
    const { world } = await sealedWorld();
    const data = join(folder, "interrupted");
    const controller = new AbortController();
    world.warehouse.onBatch = () => {
      if (world.warehouse.rowsRead > 20) controller.abort();
    };
    const { code, warned, closed } = await run(world, { data }, controller.signal);
    assert.deepEqual([code, closed], [130, true]);
    assert.match(warned, /--resume/);
    world.warehouse.onBatch = () => {};
    const resumed = await run(world, { data, resume: true });
    assert.equal(resumed.code, 0);
    assert.match(resumed.text, /going on where the last run ended/);
    const again = await run(world, { data, resume: true });
    assert.match(again.warned, /began anew/);
  });

  it("does not take a failure for the interruption that came with it", async () => {
    const { world } = await sealedWorld();
    const controller = new AbortController();
    world.warehouse.onBatch = () => {
      controller.abort();
      throw new IndelibleError("ERR_READ", "the warehouse is away");
    };
    await assert.rejects(run(world, {}, controller.signal), { code: "ERR_READ" });
  });

  it("goes on with the last 30 days of before, which begin later by now", async () => {
    const { world } = await sealedWorld();
    const data = join(folder, "last-days");
    const controller = new AbortController();
    world.warehouse.onBatch = () => {
      if (world.warehouse.rowsRead > 20) controller.abort();
    };
    const since = (micros: bigint): Partial<VerifyFlags> => ({ data, since: { text: "30d", micros } });
    assert.equal((await run(world, since(0n), controller.signal)).code, 130);
    world.warehouse.onBatch = () => {};
    const resumed = await run(world, { ...since(BEGINNING), resume: true });
    assert.deepEqual([resumed.code, resumed.warned], [0, ""]);
    assert.match(resumed.text, /Asked for {6}1970-01-01T00:00:00.*going on where the last run ended/);
  });

  it("remembers the log in the data folder, and says when it has been rolled back", async () => {
    const { world } = await sealedWorld();
    const data = join(folder, "remembers");
    assert.equal((await run(world, { data })).code, 0);
    world.store.objects.delete("commits/000000000001");
    world.witnessed.length = 1;
    const { code, text } = await run(world, { data });
    assert.equal(code, 1);
    assert.match(text, /rolled-back/);
  });

  for (const args of [
    ["--table", "seals"],
    ["--since", "yesterday"],
    ["--until", "1970-01-01T00:00:00Z"],
    ["--since", "1h", "--until", "2h"],
    ["--nonsense"],
  ]) {
    it(`refuses ${args.join(" ")} as wrong usage`, async () => {
      const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
      declareVerify(program);
      for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
      await assert.rejects(program.parseAsync(["verify", ...args], { from: "user" }), CommanderError);
    });
  }
});
