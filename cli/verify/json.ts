import type { Finding } from "@indelible/ledger/findings.ts";
import { timeText } from "@indelible/ledger/verification/time.ts";
import type { Range, Verification } from "@indelible/ledger/verify.ts";
import { jsonText } from "../terminal/json-text.ts";

/** The whole verification as JSON: times in RFC 3339, positions in the log as texts. */
export function verificationJson({ asked, log, tables, findings, ...rest }: Verification): string {
  const value = {
    ...rest,
    asked: { tables: asked.tables, since: timeOf(asked.since), until: timeOf(asked.until) },
    log: { ...log, seals: String(log.seals) },
    tables: tables.map(({ verified, ...table }) => ({ ...table, verified: verified.map(rangeOf) })),
    findings: findings.map(findingOf),
  };
  return jsonText(value);
}

function findingOf({ window, logIndex, ...finding }: Finding): object {
  return {
    ...finding,
    ...(window !== undefined && { window: rangeOf(window) }),
    ...(logIndex !== undefined && { logIndex: String(logIndex) }),
  };
}

function rangeOf({ start, end }: Range): object {
  return { start: timeText(start), end: timeText(end) };
}

function timeOf(time: bigint | undefined): string | null {
  return time === undefined ? null : timeText(time);
}
