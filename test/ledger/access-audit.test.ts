import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Finding } from "@indelible/ledger/findings.ts";
import type { Seal } from "@indelible/ledger/seal-entry.ts";
import { AccessAudit } from "@indelible/ledger/verification/access-audit.ts";
import type { Range } from "@indelible/ledger/verify.ts";
import { DAY, HOUR } from "./verify-world.ts";

const base = 1_780_000_000_000_000n;

function sealOf(number: number): Seal {
  const start = base + BigInt(number) * HOUR;
  return {
    table: "conversations",
    window: { start, end: start + HOUR },
    rowCount: 0,
    rootHash: "",
    logIndex: BigInt(number),
    commitNumber: number,
    sealedAt: start + HOUR,
    readSession: `session ${number}`,
    entry: "",
  };
}

/** An audit that got the record of each read so long after it; undefined: never. */
class Audit {
  readonly asked: { readonly sessions: number; readonly ingested: Range | undefined }[] = [];
  readonly findings: Finding[] = [];
  readonly #audit: AccessAudit;

  constructor(lateBy: (number: number) => bigint | undefined) {
    this.#audit = new AccessAudit({
      now: () => base + 3000n * HOUR,
      lagMs: 3_600_000,
      onFinding: (finding) => this.findings.push(finding),
      auditedSessions: async (sessions, ingested) => {
        this.asked.push({ sessions: sessions.size, ingested });
        const isKnown = (session: string): boolean => {
          const number = Number(session.split(" ")[1]);
          const late = lateBy(number);
          const at = late === undefined ? undefined : sealOf(number).sealedAt + late;
          return at !== undefined && (ingested === undefined || (at >= ingested.start && at < ingested.end));
        };
        return new Set([...sessions].filter(isKnown));
      },
    });
  }

  async run(seals: number): Promise<this> {
    for (let number = 0; number < seals; number += 1) await this.#audit.add(sealOf(number));
    await this.#audit.finish();
    return this;
  }
}

describe("the access audit", () => {
  it("is asked for the reads of 500 seals at once, among the records of their time only", async () => {
    const audit = await new Audit(() => HOUR).run(1200);
    const range = (first: number, last: number): Range => ({
      start: sealOf(first).sealedAt - DAY,
      end: sealOf(last).sealedAt + 7n * DAY,
    });
    assert.deepEqual(audit.asked, [
      { sessions: 500, ingested: range(0, 499) },
      { sessions: 500, ingested: range(500, 999) },
      { sessions: 200, ingested: range(1000, 1199) },
    ]);
    assert.deepEqual(audit.findings, []);
  });

  it("is asked once, among all records, for the few that were not there", async () => {
    const audit = await new Audit((number) => (number % 100 === 99 ? 60n * DAY : 0n)).run(1200);
    assert.deepEqual(
      audit.asked.map(({ sessions, ingested }) => [sessions, ingested !== undefined]),
      [
        [500, true],
        [500, true],
        [200, true],
        [12, false],
      ],
    );
    assert.deepEqual(audit.findings, []);
  });

  it("names each read that it does not know, however many they are", async () => {
    const audit = await new Audit(() => undefined).run(1200);
    assert.deepEqual(
      audit.findings.map(({ code, logIndex }) => [code, logIndex]),
      Array.from({ length: 1200 }, (_, number) => ["access-unaudited", BigInt(number)]),
    );
    assert.ok(audit.asked.every(({ sessions }) => sessions <= 500));
  });
});
