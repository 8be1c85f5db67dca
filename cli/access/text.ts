import { styleText } from "node:util";
import { printable } from "../terminal/cell.ts";
import { counted, renderTable, thousands, type TableColumn } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import { MAX_COPIES, MAX_GENERATIONS, type Read, type ReadFilter } from "./audit.ts";

const columns: readonly TableColumn[] = [
  { title: "when" },
  { title: "who" },
  { title: "how" },
  { title: "what" },
  { title: "rows", align: "right" },
  { title: "bytes", align: "right" },
  { title: "why" },
  { title: "from" },
  { title: "statement" },
];

/** Reads as a table of at most `width` columns. */
export function readsText(reads: readonly Read[], width: number): string {
  const rows = reads.map((read) => [
    secondText(read.accessed_at),
    read.principal,
    howText(read),
    whatText(read),
    numberText(read.rows_read),
    numberText(read.bytes_read),
    read.purpose ?? "—",
    fromText(read),
    read.statement?.replaceAll(/\s+/g, " ").trim() ?? "—",
  ]);
  return `${renderTable(columns, rows, width)}${counted(reads.length, "read")}\n`;
}

function howText({ access_type, destination }: Read): string {
  return destination === null ? access_type : `${access_type} → ${shortName(destination)}`;
}

/** Of each table the view that people read, rather than what stands behind it; copies with a word. */
function whatText({ tables, copies }: Read): string {
  const nearest = new Map<string, string>();
  // In this order: the views t and t_history, the table t.
  for (const name of tables) {
    const table = name.slice(name.indexOf(".") + 1).replace(/_history$/, "");
    if (!nearest.has(table)) nearest.set(table, name);
  }
  return [...nearest.values(), ...copies.map((name) => `${name} (a copy)`)].join(", ");
}

function fromText({ caller_ip, caller_user_agent, publisher_id }: Read): string {
  // The first product says which client it was.
  const client = caller_user_agent?.split(/[\s,]/)[0];
  const reported = publisher_id === null ? undefined : `(reported by ${publisher_id})`;
  return (
    [caller_ip, client, reported].filter((part) => part !== null && part !== undefined && part !== "").join(" ") || "—"
  );
}

function shortName(destination: string): string {
  const [, project, dataset, table] = /^projects\/([^/]+)\/datasets\/([^/]+)\/tables\/(.+)$/.exec(destination) ?? [];
  return project === undefined ? destination : `${project}.${dataset}.${table}`;
}

function numberText(value: number | null): string {
  return value === null ? "—" : thousands(Number(value));
}

/** What is said when there are no reads: whether nobody read it, or nobody would know. */
export function nothingText(filter: ReadFilter, newest: string | undefined): string {
  const { table, since, until, principal, except } = filter;
  const what = table === undefined ? "the log" : table;
  const others = except.length === 0 ? "" : ` but ${except.map(printable).join(", ")}`;
  const who = principal === undefined ? `Nobody${others}` : printable(principal);
  const verb = principal === undefined ? "read" : "did not read";
  const when = `since ${secondText(since)}${until === undefined ? "" : ` and before ${secondText(until)}`}`;
  if (newest !== undefined) {
    return `${who} ${verb} ${what} ${when}, as far as the access audit tells: its newest record is of ${secondText(newest)}.`;
  }
  return (
    `${styleText("bold", "The access audit has no records at all", { stream: process.stdout })}, so it cannot tell who read ${what} ${when}: it is off, or ` +
    "nothing has been read yet. docs/access-audit.md says how to turn it on."
  );
}

/** That reads of some copies may be missing. */
export function cutText(): string {
  return (
    `Reads of copies may be missing: ${thousands(MAX_COPIES)} copies are followed, and copies of copies ${MAX_GENERATIONS} times over, and there are ` +
    "more. docs/access-audit.md says how to ask for one of them.\n"
  );
}

/** That there are more reads than are shown, and who fills the list: the sealer reads every minute. */
export function moreText(shown: readonly Read[]): string {
  const [busiest] = [...Map.groupBy(shown, ({ principal }) => principal)].sort(([, a], [, b]) => b.length - a.length);
  const most = busiest !== undefined && busiest[1].length > shown.length / 2 ? busiest[0] : undefined;
  const hint = most === undefined ? "" : `, and --except ${printable(most)} leaves out most of these`;
  return `These are the newest ${shown.length}: --limit shows more${hint}.\n`;
}
