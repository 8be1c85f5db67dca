import { derivedId, entryHash } from "@indelible/schemas/entry.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { tables, type Table } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import type { LoggedTable } from "../delivery/entries.ts";
import type { EventLine } from "./event-line.ts";

/** What the command line says about all events. */
export interface Context {
  readonly businessId?: string | undefined;
  readonly agentPosition?: string | undefined;
  /** A name of this input. With it, everything in an event derives from its line, so that emitting the input again gives the same bytes. */
  readonly source?: string | undefined;
}

/** Where a line stands. */
export interface Place {
  /** Which of the lines that are not blank it is, from 1. */
  readonly ordinal: number;
  readonly text: string;
}

/** An event with what the command line gives; what is still missing the publisher fills in. */
export type Draft = { [column: string]: unknown };

/** Part of every derived identity: to be raised when the same line becomes another event than before. */
const derivationVersion = 1;

/**
 * Fills in business and agent, cuts previews as the publisher does, and with a source also identities and times.
 *
 * @throws ERR_INVALID_EVENT when neither line nor command line gives a business or agent that the table asks for, or, with a source, a time
 */
export function complete({ table, event }: EventLine, place: Place, context: Context): Draft {
  const declaration = tables[table];
  const draft: Draft = { ...event };
  fillFrom(draft, declaration, "business_id", context.businessId, "--business-id");
  fillFrom(draft, declaration, "agent_position", context.agentPosition, "--agent-position");
  fillFrom(draft, declaration, "source_agent", context.agentPosition, "--agent-position");
  for (const [name, column] of Object.entries(declaration.columns)) {
    const value = draft[name];
    if (column.type === "string" && column.preview === true && typeof value === "string") {
      draft[name] = cut(value, column.maxLength ?? Infinity);
    }
  }
  if (context.source !== undefined) derive(draft, table, place, context);
  return draft;
}

function fillFrom(draft: Draft, { columns }: Table, column: string, value: string | undefined, option: string): void {
  if (!(column in columns) || !isAbsent(draft[column])) return;
  if (value === undefined) {
    throw new IndelibleError("ERR_INVALID_EVENT", `the event lacks ${column}`, {
      hint: `Give ${option} for events without ${column}.`,
    });
  }
  draft[column] = value;
}

/** The publisher's own stamps would differ each time: one `log_id` with two contents is a conflict. */
function derive(draft: Draft, table: LoggedTable, { ordinal, text }: Place, context: Context): void {
  const { entity, occurredAt } = tables[table];
  const time = draft["logged_at"] ?? draft[occurredAt];
  if (isAbsent(time)) {
    throw new IndelibleError("ERR_INVALID_EVENT", `the event has neither ${occurredAt} nor logged_at`, {
      hint: "With --source, each line must give its time, for the time of reading would be another one each time.",
    });
  }
  const who = [derivationVersion, context.source, context.businessId ?? null, context.agentPosition ?? null];
  draft["log_id"] ??= derivedId("emit", entryHash(JSON.stringify([...who, table, ordinal, text])));
  draft[entity] ??= draft["log_id"];
  draft[occurredAt] ??= time;
  draft["logged_at"] ??= time;
  draft["publisher_id"] ??= `emit-${entryHash(JSON.stringify(who)).slice(0, 16)}`;
  draft["seq"] ??= ordinal;
}

/**
 * Holds an event against the declaration of its table as if the publisher had filled it in.
 *
 * @throws ERR_INVALID_EVENT, ERR_UNKNOWN_FIELD
 */
export function assertFits(table: LoggedTable, draft: Draft): void {
  const { entity, occurredAt } = tables[table];
  assertEvent(table, {
    ...draft,
    [entity]: draft[entity] ?? "the publisher's",
    [occurredAt]: draft[occurredAt] ?? "1970-01-01T00:00:00Z",
  });
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

/** The first `maxLength` code points of `text`. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return Array.from(text.slice(0, maxLength * 2))
    .slice(0, maxLength)
    .join("");
}
