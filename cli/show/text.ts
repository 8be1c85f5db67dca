import { entryLines } from "@indelible/schemas/entry-lines.ts";
import { section } from "../delivery/text.ts";
import { lineText, wrapped } from "../explore/text.ts";
import { printable } from "../terminal/cell.ts";
import { shellOperand } from "../terminal/shell-word.ts";
import { counted, thousands } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import type { Copy, Refused, Shown } from "./examine.ts";

/** Longer values are cut, unless all is asked for. */
const maxValueLines = 6;
const defaultWidth = 80;

/** An entry, for people. @param full whether long values are shown whole */
export function shownText(shown: Shown, full: boolean, width: number = defaultWidth): string {
  const { table, log_id, row, history, conversation_id } = shown;
  const { kind } = entryLines[table];
  const title = `${kind} ${printable(shown.entity_id)}`;
  const parts = [
    section(title, columnsText(row, full, width)),
    section(
      `${counted(history.length, "entry").replace("entrys", "entries")} of this ${kind}`,
      history
        .map((line) => `${line.log_id === log_id ? "> " : "  "}${lineText(line, width - 2)}\n`)
        .concat(shown.more_history ? ["  and more\n"] : [])
        .join(""),
    ),
    section("Integrity", integrityText(shown, width)),
  ];
  const next = [
    ...(conversation_id === null ? [] : [`indelible timeline ${shellOperand(conversation_id)}`]),
    `indelible prove ${shellOperand(log_id)}`,
    ...(full ? [] : [`indelible show --full ${shellOperand(log_id)}`]),
  ];
  parts.push(section("Next", next.map((command) => `  ${command}\n`).join("")));
  return parts.join("\n");
}

export function refusedText(
  { dead_letter_id, reason, reason_detail, source_table }: Refused,
  width: number = defaultWidth,
): string {
  const detail = reason_detail === null ? "" : `: ${reason_detail}`;
  const text = `This is a dead letter: it was meant for ${source_table ?? "a table that nobody knows"}, and refused. ${reason}${detail}`;
  return `${wrapped(text, width).join("\n")}\n\n  indelible dlq show ${shellOperand(dead_letter_id)}\n`;
}

function columnsText(row: Shown["row"], full: boolean, width: number): string {
  const silent: string[] = [];
  const lines: string[] = [];
  for (const [name, value] of Object.entries(row)) {
    if (name === "entry" && !full) continue;
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) silent.push(name);
    else lines.push(...fieldLines(name, value, full, width));
  }
  if (silent.length > 0) lines.push(...fieldLines("nothing in", silent.join(", "), true, width));
  return lines.map((line) => `${line}\n`).join("");
}

const nameWidth = 22;

/** A name and its value, wrapped beside it. */
function fieldLines(name: string, value: unknown, full: boolean, width: number): string[] {
  const text = typeof value === "object" ? JSON.stringify(value, undefined, 2) : String(value);
  const all = wrapped(text, width - nameWidth - 2);
  const lines =
    full || all.length <= maxValueLines
      ? all
      : [...all.slice(0, maxValueLines), `… ${all.length - maxValueLines} more lines: --full`];
  return lines.map((line, index) => `  ${(index === 0 ? printable(name) : "").padEnd(nameWidth)}${line}`);
}

function integrityText(shown: Shown, width: number): string {
  const { copies, copy_count, conflict } = shown;
  const [first] = copies;
  const lines: string[] = [];
  const say = (name: string, text: string): void => void lines.push(...fieldLines(name, text, true, width));
  if (first !== undefined) {
    say(
      "hash",
      first.hash_holds
        ? "ok: entry_hash is the SHA-256 of the entry"
        : "BROKEN: entry_hash is not the SHA-256 of the entry",
    );
    say("columns", columnsVerdict(first));
  }
  if (copy_count > 1) {
    const others = conflict
      ? "CONFLICT: this log_id came with different content. Shown is the one that was published first"
      : "the same entry was delivered more than once";
    const someOnly = copy_count > copies.length ? `; the first ${copies.length} of them` : "";
    say("copies", `${thousands(copy_count)}: ${others}${someOnly}`);
    for (const copy of copies)
      say("", `${secondText(copy.published_at)} ${copy.entry_hash.slice(0, 16)} ${copyVerdict(copy)}`.trimEnd());
  }
  say("seal", sealVerdict(shown));
  return lines.map((line) => `${line}\n`).join("");
}

function copyVerdict(copy: Copy): string {
  if (!copy.hash_holds) return "BROKEN hash";
  return copy.differing === null ? "" : "columns differ";
}

function columnsVerdict({ differing }: Copy): string {
  return differing === null
    ? "ok: they say what the entry says"
    : `DIFFER from the entry, which is the truth: ${differing}, and maybe more`;
}

function sealVerdict({ seal }: Shown): string {
  const covering = `seal ${seal.log_index} of ${secondText(seal.sealed_at ?? "")}, over what was ingested from ${secondText(seal.window_start ?? "")} to ${secondText(seal.window_end ?? "")}`;
  switch (seal.state) {
    case "none":
      return "seals are not sealed themselves; indelible verify checks them";
    case "unsealed":
      return "none covers it yet: rows are sealed when they are a minute old";
    case "proved":
      return `ok: ${covering}. The signed seal log proves it`;
    case "refuted":
      return `NOT PROVED by ${covering}: ${seal.why}. Run indelible verify`;
    case "claimed":
      return `${covering}, says the table of seals. The proof was not looked at${seal.why === null ? "" : ` (${seal.why})`}: run indelible prove`;
  }
}
