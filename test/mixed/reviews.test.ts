import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Event } from "@indelible/schemas/tables.ts";
import { rowsOf, type PlainRow } from "../../cli/warehouse.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";
import { bring, mixed, type Arrival, type Logged } from "./mixed-log.ts";
import { sources } from "./mixed-sources.ts";
import { entitiesOf } from "./reference.ts";

const second = 1000;
const past = "2026-01-31T10:00:00Z";
const future = "2099-01-01T00:00:00Z";

/** An escalation for each way in which target, settlement and the agent's word can stand to each other, each step an entry of its own. */
function escalations(): Logged[] {
  const steps: Logged[] = [];
  for (const target of [undefined, past, future])
    for (const resolved of [undefined, "2026-01-31T09:59:59.5Z", past, "2026-01-31T10:00:01.5Z"])
      for (const met of [undefined, true, false])
        for (const sample of [1, 2]) {
          const id = `escalation-${target}-${resolved}-${met}-${sample}`;
          const step = (minute: number, more: Event): void => {
            const n = steps.length;
            const event = {
              log_id: `00000000-0000-7000-c000-${String(n).padStart(12, "0")}`,
              logged_at: `2026-01-31T09:${String(minute).padStart(2, "0")}:00Z`,
              escalation_id: id,
              business_id: "acme",
              source_agent: "CFO",
              escalated_at: "2026-01-31T09:00:00Z",
              ...more,
            };
            steps.push({ table: "escalation_logs", event });
          };
          step(1, { subject: `About ${id}`, urgency: "high", target: "CEO", ...(target && { sla_target: target }) });
          step(2, { acknowledged_at: "2026-01-31T09:02:00Z" });
          if (resolved !== undefined) step(3, { resolved_at: resolved, resolved_by: "CEO" });
          if (met !== undefined) step(4, { sla_met: met });
        }
  return steps;
}

function decisions(): Logged[] {
  return Array.from({ length: 60 }, (_, n): Logged => {
    const reviewed = [undefined, false, true][n % 3];
    const requires = [undefined, false, true, true][n % 4];
    return {
      table: "decision_logs",
      event: {
        log_id: `00000000-0000-7000-d000-${String(n).padStart(12, "0")}`,
        logged_at: `2026-01-31T09:00:${n}Z`.replace(/:(\d)Z$/, ":0$1Z"),
        decision_id: `decision-${Math.floor(n / 2)}`,
        business_id: "acme",
        agent_position: "CFO",
        decided_at: "2026-01-31T09:00:00Z",
        decision_summary: `Decided ${n}`,
        chosen_option: `option ${n}`,
        confidence: 0.5,
        ...(requires !== undefined && { requires_human_review: requires }),
        ...(reviewed !== undefined && { human_reviewed: reviewed }),
      },
    };
  });
}

const millis = (time: unknown): number => Date.parse(String(time));

/** In the words of docs/views.md; nothing here knows SQL. */
function breachesOf(arrivals: readonly Arrival[], now: number): Map<string, unknown> {
  const breaches = new Map<string, unknown>();
  for (const [id, event] of entitiesOf(arrivals, "escalation_logs")) {
    const [target, resolved, met] = [event["sla_target"], event["resolved_at"], event["sla_met"]];
    const wasMissed = target !== undefined && (resolved === undefined ? now : millis(resolved)) > millis(target);
    if (!wasMissed && met !== false) continue;
    const settledInTime = target !== undefined && resolved !== undefined && !wasMissed;
    breaches.set(id, {
      subject: event["subject"] ?? null,
      state: wasMissed ? (resolved === undefined ? "open" : "settled-late") : "reported",
      overdue_seconds: wasMissed
        ? Math.floor(((resolved === undefined ? now : millis(resolved)) - millis(target)) / second)
        : null,
      disputed: wasMissed ? met === true : settledInTime,
      sla_met: met ?? null,
    });
  }
  return breaches;
}

for (const { name, skip, events } of sources) {
  describe(
    `what waits for a person, of ${name} with duplicates, conflicts, late entries and in any order`,
    { skip },
    () => {
      let warehouse: RawWarehouse;
      let arrivals: Arrival[];
      before(async () => {
        arrivals = mixed([...(await events()), ...escalations(), ...decisions()], 3);
        warehouse = await RawWarehouse.open("reviews-test");
        await bring(warehouse, arrivals);
      });
      after(() => warehouse?.close());

      /** With the moment that the question was asked at. */
      async function view(of: string): Promise<[rows: PlainRow[], now: number]> {
        const rows = await rowsOf(warehouse, {
          query: `SELECT *, UNIX_MILLIS(CURRENT_TIMESTAMP()) AS now FROM ${of}`,
        });
        return [rows, Number(rows[0]?.["now"])];
      }

      it("sla_breaches has each escalation whose target was missed, by its times or by the agent's word", async () => {
        const [rows, now] = await view("sla_breaches");
        const found = rows.map(({ escalation_id, subject, state, overdue_seconds, disputed, sla_met }) => [
          escalation_id,
          { subject, state, overdue_seconds, disputed, sla_met },
        ]);
        assert.deepEqual(Object.fromEntries(found), Object.fromEntries(breachesOf(arrivals, now)));
        for (const state of ["open", "settled-late", "reported"]) {
          const ofState = rows.filter((row) => row["state"] === state);
          assert.deepEqual(new Set(ofState.map((row) => row["disputed"])), new Set([true, false]), state);
        }
      });

      it("sla_breaches names the newest entry of each", async () => {
        const [rows] = await view("sla_breaches");
        const latest = await rowsOf(warehouse, { query: "SELECT escalation_id, log_id FROM escalation_logs" });
        const ids = new Map(latest.map((row) => [row["escalation_id"], row["log_id"]]));
        for (const row of rows) assert.equal(row["log_id"], ids.get(row["escalation_id"]));
      });

      it("pending_reviews has each decision that requires a review and has none", async () => {
        const [rows, now] = await view("pending_reviews");
        const expected = [...entitiesOf(arrivals, "decision_logs").values()]
          .filter((event) => event["requires_human_review"] === true && event["human_reviewed"] !== true)
          .map((event) => [
            event["decision_id"],
            {
              decision_summary: event["decision_summary"],
              chosen_option: event["chosen_option"],
              waiting_seconds: Math.floor((now - millis(event["decided_at"])) / second),
            },
          ]);
        const found = rows.map(({ decision_id, decision_summary, chosen_option, waiting_seconds }) => [
          decision_id,
          { decision_summary, chosen_option, waiting_seconds },
        ]);
        assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected));
        assert.ok(rows.length > 2);
      });
    },
  );
}
