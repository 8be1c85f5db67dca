/** The auditors' queries as files to paste, and the page that explains them. */
import { auditQueriesOf, PROJECT_PLACEHOLDER, type AuditQuery } from "./audit-queries.ts";
import { GAP_DAYS } from "./sequence-queries.ts";
import { tableNames } from "./tables.ts";

/** Each query's file: its path from the root, and its text. */
export function auditFiles(): [path: string, text: string][] {
  return auditQueriesOf(PROJECT_PLACEHOLDER).map((query) => [`schemas/sql/${query.name}.sql`, fileOf(query)]);
}

function fileOf({ name, description, query }: AuditQuery): string {
  return `-- ${name}: ${description}
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with ${PROJECT_PLACEHOLDER} replaced by the ID of the project. Written by \`npm run build\`; do not edit.
${query};
`;
}

interface Kind {
  readonly name: string;
  readonly shows: string;
  readonly proves: string;
  readonly provesNot: string;
}

const kinds: readonly Kind[] = [
  {
    name: "<table>_hashes",
    shows:
      "Rows whose `entry_hash` is not the SHA-256 of `entry`: one of the two was changed, or the row was not written by the subscriber.",
    proves: "Every row that is there now has the hash of its entry.",
    provesNot:
      "That the entry is the one that was logged. Whoever can write rows can write a hash that fits, and can leave rows out. That is what seals are for: they fix the hashes at a time, and `indelible verify` compares them.",
  },
  {
    name: "<table>_projection",
    shows:
      "Rows with typed columns that do not say what the entry says; `differing` names the columns. People read columns, and the hash covers the entry alone, so a changed column would deceive everybody without breaking a hash. Strings, numbers, timestamps (to the microsecond, whatever the offset), arrays, structs and JSON are compared by value; missing, null and an empty array are the same. What is recorded on the way (`published_at`, `message_id`, `ingested_at`, `schema_version`) is not in the entry and is not compared.",
    proves: "Whatever the columns of these tables show is what the entries say, and so what their hashes cover.",
    provesNot:
      "Anything about the recorded columns; seals cover `published_at`, `message_id` and `ingested_at`. A column that the table has and its declaration has not is not looked at.",
  },
  {
    name: "<table>_duplicates",
    shows:
      "Identities that more than one row has. Where `conflict` is false, the same entry was stored more than once, which is harmless: Pub/Sub delivers at least once, and the views show such an entry once. Where it is true, there are entries with the same `log_id` that say different things: a publisher's fault, or an attempt to replace an entry. The views show the one that Pub/Sub took first and flag it.",
    proves: "Each identity has one row, and nobody has tried to overwrite an entry by sending another one.",
    provesNot: "That nothing was logged twice under two identities.",
  },
  {
    name: "sequence_gaps",
    shows: `Numbers that a publisher gave out and that are neither in a row of any table nor in a dead letter, as ranges: every publisher process counts its events from 1 over all tables. \`seen_after\` is when Pub/Sub took the first number behind the range, \`seen_before\` the last one before it (null: the range begins at 1). A range with a \`seen_after\` of a few minutes ago may still be on its way: messages overtake each other. \`indelible gaps\` tells the two apart.`,
    proves:
      "Of every publisher that numbers its events, everything up to the highest number that has arrived is there, or is a dead letter.",
    provesNot: `That a publisher's last events have arrived: nothing is behind them yet. That a publisher logged everything that it did: what was never logged has no number. It says nothing about publishers that give no \`publisher_id\` and \`seq\`. Numbers in a dead letter whose text SQL cannot read (a whole compressed message, bytes that are no UTF-8) count as missing until it is replayed or looked at with \`indelible dlq show\`. A publisher can be impersonated by whoever may publish, so a gap is a question, not yet an answer. Ranges whose \`seen_after\` is more than ${GAP_DAYS} days ago are left out, because rows of the shortest retention have expired there; if \`seen_before\` is that old, rows in the range may have.`,
  },
];

/** docs/audit-queries.md */
export function auditReference(): string {
  const sections = kinds.map(
    ({ name, shows, proves, provesNot }) => `## \`${name}\`

${shows}

**No rows prove:** ${proves}

**They do not prove:** ${provesNot}
`,
  );
  return `<!-- Written by \`npm run build\` from schemas/. Do not edit. -->

# Audit queries

Questions about the integrity of the log that BigQuery answers by itself: an auditor needs no tool of ours, only the right to read the
dataset of raw tables. Each is a file in [schemas/sql/](../schemas/sql/), to be pasted with \`${PROJECT_PLACEHOLDER}\` replaced; \`indelible audit-sql NAME\` prints it with the project
in place, and \`indelible audit-sql --list\` lists them. Every answer is a list of what is wrong, so no rows is good news. Each reads the whole of its columns, which
BigQuery charges for. To look at some days only, add a condition on \`ingested_at\`: in \`<table>_hashes\` as \`AND …\` behind the condition that is there, in
\`<table>_projection\` as \`WHERE …\` behind the table's name. Not in \`<table>_duplicates\`, where rows of one identity that came in on different days would be missed, and not in
\`sequence_gaps\`, where it would open gaps.

\`<table>\` is one of: ${tableNames.map((name) => `\`${name}\``).join(", ")}.

${sections.join("\n")}
The views \`sequence_gaps\`, \`sequence_numbers\` and \`conflicts\` in the dataset of views ask the last two questions for whoever may read only that.
`;
}
