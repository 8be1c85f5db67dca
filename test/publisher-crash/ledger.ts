import type { Line, Report, Totals } from "./journal.ts";
import type { Damage } from "./segments.ts";

/** What one process reported. */
export interface Account {
  /** Whether a tick of it has begun to log. */
  readonly hasLogged: boolean;
  readonly totals: Totals;
  readonly reports: readonly Report[];
}

/** Everything that is known of a run but what came of it. */
export class Ledger {
  /** Events that a tick was about to log, by tick. */
  readonly announced: Map<string, number> = new Map();
  /** The `log_id`s that a finished tick had returned, in the order of its calls, by tick. */
  readonly returned: Map<string, readonly string[]> = new Map();
  readonly damages: Damage[] = [];
  /** Damaged segments that somebody removed, though no process of that time has reported damage in the table. */
  readonly unreported: Damage[] = [];
  /** Reports that nothing in a run accounts for. */
  readonly strangeReports: Report[] = [];
  /** Processes that ended as they should not have. */
  readonly troubles: string[] = [];

  /** Takes what a process reported. */
  take(lines: readonly Line[]): Account {
    let totals: Totals = { adopted: 0, acknowledged: 0 };
    const reports: Report[] = [];
    for (const line of lines) {
      if (line.kind === "announced") this.announced.set(line.tick, line.events);
      else if (line.kind === "returned") this.returned.set(line.tick, line.logIds);
      else if (line.kind === "totals") totals = line;
      else reports.push(line);
    }
    this.strangeReports.push(...reports.filter((report) => !isExpected(report)));
    return { hasLogged: lines.some(({ kind }) => kind === "announced"), totals, reports };
  }

  get announcedEvents(): number {
    return this.announced.values().reduce((sum, events) => sum + events, 0);
  }

  get returnedEvents(): number {
    return this.returned.values().reduce((sum, { length }) => sum + length, 0);
  }
}

/** That the broker is down or fails, and damage. */
function isExpected({ code, refused }: Report): boolean {
  return refused ? code === "ERR_SPOOL_DAMAGED" : code === "ERR_PUBLISH" || code === "ERR_DEADLINE";
}
