import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BEGINNING, codesOf, DAY, HOUR, iterate, SECOND, sealedWorld, summary, World } from "./verify-world.ts";

describe("verify() - rows", () => {
  it("names a row whose entry was changed, with its hash left as it was", async () => {
    const { world, ids } = await sealedWorld();
    const entry = (world.admin.find("action_logs", ids[2] as string)["entry"] as string).replace("CFO", "CEO");
    world.admin.update("action_logs", ids[2] as string, { entry });
    assert.deepEqual(await world.findings(), [`modified ${ids[2]}`]);
  });

  it("names a row whose entry was changed and hashed again, once", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.rewrite("action_logs", ids[2] as string, (entry) => entry.replace("CFO", "CEO"));
    world.admin.update("action_logs", ids[2] as string, { agent_position: "CEO" });
    assert.deepEqual(await world.findings(), [`modified ${ids[2]}`]);
  });

  it("names a row whose hash alone was changed, once", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.update("action_logs", ids[2] as string, { entry_hash: "0".repeat(64) });
    assert.deepEqual(await world.findings(), [`modified ${ids[2]}`]);
  });

  it("names a row of which a column differs from its entry", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.update("action_logs", ids[1] as string, { cost_usd: 0 });
    const { findings, verified } = await world.verify();
    assert.equal(verified, false);
    assert.deepEqual(
      findings.map(({ code, logId }) => [code, logId]),
      [["projection-differs", ids[1]]],
    );
    assert.match(findings[0]?.message ?? "", /"cost_usd"/);
  });

  for (const [column, value] of [
    ["message_id", "forged"],
    ["published_at", 0n],
    ["message_id", null],
    ["published_at", null],
    ["entry_hash", null],
    ["entry", null],
  ] as const) {
    it(`names a row whose ${column} was made ${value}, with what it was`, async () => {
      const { world, ids } = await sealedWorld();
      world.admin.update("action_logs", ids[0] as string, { [column]: value });
      const { findings } = await world.verify();
      assert.deepEqual(
        findings.map(({ code, logId }) => [code, logId]),
        [["modified", ids[0]]],
      );
      assert.ok(findings[0]?.message.includes(column === "entry" ? "no entry" : column));
    });
  }

  it("names a row that was deleted, and one that was put among sealed ones", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.delete("action_logs", ids[3] as string);
    world.admin.copy("action_logs", ids[0] as string, { log_id: "forged" });
    const { findings, verified } = await world.verify();
    assert.equal(verified, false);
    const rows = findings.filter(({ code }) => code !== "projection-differs");
    assert.deepEqual(
      rows.map(({ code, logId }) => `${code} ${logId}`),
      [`missing ${ids[3]}`, "extra forged"],
    );
    assert.deepEqual(rows[0]?.window?.end, BEGINNING + 10n * SECOND);
  });

  it("names a row that is there twice, and lets be one that was sealed twice", async () => {
    const world = new World();
    const id = world.log();
    const twice = world.log();
    world.admin.copy("action_logs", twice);
    await world.seal();
    assert.deepEqual(await world.findings(), []);
    world.admin.copy("action_logs", id);
    assert.deepEqual(await world.findings(), [`duplicated ${id}`]);
  });

  it("names a row that was moved within its window, to another window, to another table and behind the last seal", async () => {
    const { world, ids } = await sealedWorld();
    const [a, b, c, d] = ids as [string, string, string, string];
    world.admin.update("action_logs", a, { ingested_at: BEGINNING + 1n });
    world.admin.update("action_logs", b, { ingested_at: BEGINNING + HOUR + SECOND });
    world.admin.move("action_logs", c, "decision_logs");
    world.admin.update("action_logs", d, { ingested_at: world.clock - 1n });
    const { findings } = await world.verify();
    const moved = findings.filter(({ code }) => code !== "projection-differs");
    assert.deepEqual(
      moved.map(({ code, logId }) => `${code} ${logId}`).sort(),
      [a, b, c, d].map((id) => `moved ${id}`).sort(),
    );
    assert.ok(moved.some(({ message }) => message.includes("stands in decision_logs at")));
  });

  it("finds rows of a time before any window, and rows that have no time when the warehouse shows them", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.copy("action_logs", ids[0] as string, { ingested_at: -1n });
    assert.deepEqual(await world.findings(), [`extra ${ids[0]}`]);
    world.warehouse.endless.set("action_logs", () => [
      world.admin.find("action_logs", ids[1] as string),
      { log_id: "timeless" },
    ]);
    const { findings } = await world.verify();
    assert.ok(findings.some(({ code, message }) => code === "extra" && message.includes("NULL")));
  });

  it("says that a window differs when nobody can say which row it is", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.delete("action_logs", ids[3] as string);
    world.forgetLeaves();
    assert.deepEqual(await world.findings(), ["window-differs"]);
  });

  it("does not believe a list of leaves that does not have the sealed root", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.delete("action_logs", ids[3] as string);
    const lists = [...world.store.objects.keys()].filter((name) => name.startsWith("leaves/"));
    for (const name of lists) world.store.objects.set(name, Buffer.from("no zstd"));
    assert.deepEqual(await world.findings(), ["window-differs"]);
    for (const name of lists) world.store.objects.set(name, world.store.objects.get(lists[0] as string) as Buffer);
    assert.deepEqual(await world.findings(), ["window-differs"]);
  });

  it("takes a window that is gone after its retention for expired, and for verified as that", async () => {
    const { world } = await sealedWorld();
    world.admin.truncate("action_logs");
    const gone = await world.findings();
    assert.equal(gone.filter((finding) => finding.startsWith("missing")).length, 10);
    const now = (): bigint => BEGINNING - 8n * HOUR + 731n * DAY;
    const before = await world.verify({
      tables: ["action_logs"],
      now: () => now() - 1n,
      until: world.ends.get("action_logs"),
      witness: undefined,
    });
    assert.equal(before.findingCounts.missing, 10);
    const after = await world.verify({
      tables: ["action_logs"],
      now,
      until: world.ends.get("action_logs"),
      witness: undefined,
    });
    assert.deepEqual(codesOf(after), ["expired"]);
    assert.equal(after.verified, true);
    assert.equal(after.counts.expiredWindows, 2);
  });

  it("finds a single row that is gone after its retention missing, because partitions go as a whole", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.delete("action_logs", ids[0] as string);
    const found = await world.findings({
      now: () => BEGINNING + 1000n * DAY,
      until: world.ends.get("action_logs"),
      witness: undefined,
      tables: ["action_logs"],
    });
    assert.deepEqual(found, [`missing ${ids[0]}`]);
  });

  it("holds rows that are not sealed yet against themselves, and counts them", async () => {
    const { world } = await sealedWorld();
    const id = world.log();
    const good = await world.verify();
    assert.deepEqual([good.verified, good.counts.unsealedRows], [true, 1]);
    world.admin.update("action_logs", id, { entry: "{}" });
    assert.deepEqual(await world.findings(), [`modified ${id}`]);
  });

  it("does not take a range, a table or a log without a row for verified, however it was sealed", async () => {
    const { world } = await sealedWorld();
    const before = { since: 0n, until: SECOND };
    for (const asked of [
      before,
      { tables: ["mcp_usage_logs"] as const },
      { ...before, tables: ["action_logs"] as const },
    ]) {
      const { verified, counts, findings } = await world.verify(asked);
      assert.deepEqual([verified, counts.rows, findings], [false, 0, []]);
    }
    const silent = new World();
    await silent.seal();
    assert.deepEqual([(await silent.verify()).verified, silent.commits], [false, 1]);
  });

  it("says when the range asked for is not sealed, and when nothing of it is", async () => {
    const { world } = await sealedWorld();
    const beyond = await world.verify({ until: world.clock });
    assert.deepEqual(codesOf(beyond), ["unsealed"]);
    const nothing = await world.verify({ since: world.clock - 1n });
    assert.deepEqual([nothing.verified, codesOf(nothing)], [false, ["unsealed"]]);
    await assert.rejects(world.verify({ since: 5n, until: 5n }), { code: "ERR_CONFIG" });
    await assert.rejects(world.verify({ tables: [] }), { code: "ERR_CONFIG" });
  });

  it("verifies only the windows that the range asked for touches, and says which", async () => {
    const { world, ids } = await sealedWorld();
    world.admin.delete("action_logs", ids[7] as string);
    const first = BEGINNING + 10n * SECOND;
    const verification = await world.verify({ since: BEGINNING, until: BEGINNING + SECOND, tables: ["action_logs"] });
    assert.deepEqual(summary(verification), []);
    assert.equal(verification.verified, true);
    const dayStart = BEGINNING - 8n * HOUR;
    assert.deepEqual(
      verification.tables.map(({ table, verified }) => [table, verified]),
      [["action_logs", [{ start: dayStart, end: first }]]],
    );
  });

  it("does not find a log verified that has never been sealed", async () => {
    const world = new World();
    world.log();
    const verification = await world.verify();
    assert.equal(verification.verified, false);
    assert.deepEqual(codesOf(verification), ["seal-overdue"]);
  });

  it("says when the sealer is late", async () => {
    const { world } = await sealedWorld();
    world.clock += HOUR;
    assert.deepEqual(codesOf(await world.verify()), []);
    world.clock += HOUR;
    assert.ok(codesOf(await world.verify()).includes("seal-overdue"));
  });

  it("finds tables that are gone, that were created anew and whose rows expire too soon", async () => {
    const { world } = await sealedWorld();
    world.admin.drop("thinking_logs");
    world.facts.delete("conversations");
    world.facts.set("action_logs", { createdAt: world.clock, partitionExpirationMs: undefined });
    world.facts.set("decision_logs", { createdAt: world.clock, partitionExpirationMs: 1000 });
    const { findings, verified } = await world.verify();
    assert.equal(verified, false);
    assert.deepEqual(
      findings.map(({ code, table }) => `${code} ${table}`),
      [
        "table-missing conversations",
        "table-missing thinking_logs",
        "table-recreated action_logs",
        "retention-shortened decision_logs",
      ],
    );
  });

  it("finds each row that has lost a value to a column that was dropped or made anew", async () => {
    const { world } = await sealedWorld();
    const facts = world.facts.get("action_logs");
    assert.ok(facts !== undefined);
    world.facts.set("action_logs", { ...facts, unusableColumns: ["duration_ms", "error_message"] });
    const dropped = await world.verify();
    assert.deepEqual(dropped.findingCounts, { "projection-differs": 10 });
    assert.ok(
      !world.warehouse.reads.some(({ table, columns }) => table === "action_logs" && columns.includes("duration_ms")),
    );
    world.facts.set("action_logs", { ...facts, unusableColumns: ["log_id"] });
    const nameless = await world.verify();
    assert.equal(nameless.findingCounts.missing, 10);
    world.facts.set("action_logs", facts);
    world.facts.set("seals", { ...facts, unusableColumns: ["entry"] });
    assert.ok(((await world.verify()).findingCounts["seal-modified"] ?? 0) > 0);
  });

  it("passes on what the warehouse says of gaps and conflicts", async () => {
    const { world, ids } = await sealedWorld();
    const questions = {
      gaps: () => iterate([{ publisherId: "p\u001b", firstMissing: 12n, lastMissing: 14n }]),
      conflicts: () => iterate([{ table: "action_logs" as const, logId: ids[0] as string }]),
    };
    const { findings, verified } = await world.verify({ questions });
    assert.equal(verified, false);
    assert.deepEqual(
      findings.map(({ code }) => code),
      ["gap", "conflict"],
    );
    assert.match(findings[0]?.message ?? "", /12 to 14/);
  });

  it("finds reads that the access audit does not know", async () => {
    const { world } = await sealedWorld();
    for (const session of world.audited) if (session.startsWith("sessions/seal-1-")) world.audited.delete(session);
    assert.deepEqual(codesOf(await world.verify()), []);
    world.clock += 2n * HOUR;
    const { findings, findingCounts } = await world.verify({ limits: { overdueMs: 1e9 } });
    assert.deepEqual(findingCounts, { "access-unaudited": 9 });
    assert.match(findings[0]?.message ?? "", /sessions\/seal-1-/);
    assert.deepEqual(codesOf(await world.verify({ limits: { overdueMs: 1e9 }, until: BEGINNING + 1n })), []);
  });
});
