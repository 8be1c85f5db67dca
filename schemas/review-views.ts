import type { Datasets } from "./names.ts";
import type { View } from "./views.ts";

/** Views of what waits for a person: of each entity by its latest state. */
export function reviewViewsOf(projectId: string, datasets: Datasets): readonly View[] {
  const view = (name: string): string => `\`${projectId}.${datasets.views}.${name}\``;
  return [slaBreaches(view("escalation_logs")), pendingReviews(view("decision_logs")), deadLettersOpen(view)];
}

const now = "CURRENT_TIMESTAMP()";

/** Whole seconds from one time to a later one. */
function secondsBetween(earlier: string, later: string): string {
  return `TIMESTAMP_DIFF(${later}, ${earlier}, SECOND)`;
}

const breachColumns = [
  "escalation_id",
  "business_id",
  "source_agent",
  "source_conversation_id",
  "escalation_type",
  "urgency",
  "subject",
  "target",
  "escalated_at",
  "acknowledged_at",
  "resolved_at",
  "resolved_by",
  "sla_target",
  "sla_met",
];

/**
 * `state`: `open`, nobody has settled it and its time is over; `settled-late`, it was settled after its time; `reported`, the agent says that
 * the target was missed (`sla_met` is FALSE) and the times do not. Times decide before words.
 */
function slaBreaches(escalations: string): View {
  const open = `resolved_at IS NULL AND sla_target < ${now}`;
  const late = "resolved_at > sla_target";
  return {
    name: "sla_breaches",
    description:
      "Escalations whose sla_target was missed: open and overdue, settled-late, or reported by sla_met alone; disputed: sla_met says otherwise than the times.",
    columns: [...breachColumns, "state", "overdue_seconds", "disputed", "log_id"],
    query: `SELECT ${breachColumns.join(", ")},
  CASE WHEN ${open} THEN 'open' WHEN ${late} THEN 'settled-late' ELSE 'reported' END AS state,
  CASE WHEN ${open} THEN ${secondsBetween("sla_target", now)} WHEN ${late} THEN ${secondsBetween("sla_target", "resolved_at")} END AS overdue_seconds,
  IFNULL(sla_met AND (${open} OR ${late}) OR NOT sla_met AND resolved_at <= sla_target, FALSE) AS disputed,
  log_id
FROM ${escalations}
WHERE ${open} OR ${late} OR NOT sla_met`,
  };
}

const pendingColumns = [
  "decision_id",
  "business_id",
  "agent_position",
  "decision_type",
  "decision_summary",
  "chosen_option",
  "confidence",
  "decided_at",
];

function pendingReviews(decisions: string): View {
  return {
    name: "pending_reviews",
    description: "Decisions that a person must look at and that nobody has looked at yet.",
    columns: [...pendingColumns, "waiting_seconds", "log_id"],
    query: `SELECT ${pendingColumns.join(", ")}, ${secondsBetween("decided_at", now)} AS waiting_seconds, log_id
FROM ${decisions}
WHERE requires_human_review AND NOT IFNULL(human_reviewed, FALSE)`,
  };
}

const letterColumns = [
  "dead_letter_id",
  "source_table",
  "reason",
  "reason_detail",
  "pattern",
  "source_published_at",
  "source_message_id",
  "source_index",
  "source_log_id",
  "replay_of",
  "parts",
];

/** What names whoever wrote it; what fails may have anything in its place, of any length. */
const senderColumns: { readonly [name: string]: readonly string[] } = {
  business_id: ["business_id"],
  agent: ["agent_position", "source_agent"],
  publisher_id: ["publisher_id"],
};
const senderLength = 256;

/**
 * SPEC.md §7: a dead letter is known by its first part, and open while it has no review. `conflict` of the history does not matter here: its
 * identity derives from its source, so copies say the same.
 */
function deadLettersOpen(view: (name: string) => string): View {
  const senders = Object.entries(senderColumns).map(([name, paths]) => {
    const values = paths.map((path) => `JSON_VALUE(data, '$.${path}')`);
    return `LEFT(${values.length === 1 ? values.join("") : `COALESCE(${values.join(", ")})`}, ${senderLength}) AS ${name}`;
  });
  return {
    name: "dead_letters_open",
    description:
      "Dead letters without a review, one row each, however many parts it has; replay_of: it is a replay that failed again. Who sent it, where its data says so; the data is not in it.",
    columns: [...letterColumns, ...Object.keys(senderColumns), "age_seconds", "log_id"],
    query: `SELECT ${letterColumns.join(", ")},
  ${senders.join(",\n  ")},
  ${secondsBetween("source_published_at", now)} AS age_seconds, log_id
FROM (
  SELECT *, COALESCE(reason_pattern, reason_detail, '') AS pattern
  FROM ${view("dead_letters_history")}
  WHERE part IS NULL OR part = 1
)
WHERE dead_letter_id NOT IN (SELECT dead_letter_id FROM ${view("dead_letter_reviews_history")})`,
  };
}
