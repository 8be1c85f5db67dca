import { canonicalizerOf, type Canonicalizer } from "@indelible/schemas/canonicalizer.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { publishedTables } from "@indelible/schemas/names.ts";
import { tables, type Event, type Table, type TableName } from "@indelible/schemas/tables.ts";
import type { Settings } from "./options.ts";
import type { Sender } from "./sender.ts";

/** What every event of an agent, or of one conversation of it, has in common. */
export interface Context {
  readonly business_id: string;
  readonly agent_position: string;
  readonly conversation_id?: string;
}

/** The columns that are filled from the context where the caller left them out. */
const contextSources: { readonly [column: string]: keyof Context } = {
  business_id: "business_id",
  agent_position: "agent_position",
  source_agent: "agent_position",
  conversation_id: "conversation_id",
  source_conversation_id: "conversation_id",
};

/** An event while it is filled in. */
export type Draft = { [column: string]: unknown };

/**
 * Fills in what an earlier entry or the event itself gives, before anything else does; must not throw. `now` is its
 * time.
 */
export type Complete = (draft: Draft, now: string) => void;

/**
 * Logs one event and gives it back as it was filled in, with its `log_id`. Never throws: what cannot be logged is
 * counted and reported.
 */
export type Recorder = (table: TableName, context: Context, fields: object, complete?: Complete) => Event;

export function logIdOf(event: Event): string {
  return event["log_id"] as string;
}

interface Plan {
  readonly table: Table;
  readonly canonicalize: Canonicalizer;
  readonly contextColumns: readonly (readonly [column: string, source: keyof Context])[];
  readonly previews: readonly (readonly [column: string, maxLength: number])[];
}

/** @param isClosed asked at each event */
export function createRecorder(settings: Settings, sender: Sender, isClosed: () => boolean): Recorder {
  const plans = new Map<TableName, Plan>(publishedTables.map((name) => [name, planOf(tables[name])]));
  const isoText = isoClock();
  let lastSeq = 0;

  /** True: the event has the next number of this publisher, to be taken if it is accepted. */
  function fill(
    draft: Draft,
    { table, contextColumns, previews }: Plan,
    context: Context,
    complete?: Complete,
  ): boolean {
    const now = isoText(settings.now());
    complete?.(draft, now);
    for (const [column, source] of contextColumns) draft[column] ??= context[source];
    draft[table.entity] ??= settings.newId();
    draft[table.occurredAt] ??= now;
    for (const [column, maxLength] of previews) {
      const value = draft[column];
      if (typeof value === "string") draft[column] = cut(value, maxLength);
    }
    draft["log_id"] ??= settings.newId();
    draft["logged_at"] ??= now;
    draft["publisher_id"] ??= settings.publisherId;
    const takesSeq = draft["seq"] === undefined || draft["seq"] === null;
    if (takesSeq) draft["seq"] = lastSeq + 1;
    return takesSeq;
  }

  return function record(name, context, fields, complete) {
    const plan = plans.get(name)!;
    let draft: Draft = {};
    let failure: { readonly cause: unknown } | undefined;
    try {
      draft = { ...fields };
    } catch (cause) {
      // A getter of the caller's threw. The event still gets its identities, which the caller may go on to use.
      failure = { cause };
    }
    const takesSeq = fill(draft, plan, context, complete);
    try {
      if (failure !== undefined) throw failure.cause;
      if (isClosed()) throw new IndelibleError("ERR_CLOSED", "an event was logged after the publisher was closed");
      sender.queue.add(name, plan.canonicalize(draft));
      // A number is taken only by an event that was accepted, so that a gap always means a loss.
      if (takesSeq) lastSeq += 1;
    } catch (cause) {
      sender.refuse(name, errorOf(cause, name));
    }
    return draft;
  };
}

function planOf(table: Table): Plan {
  const columns = Object.entries(table.columns);
  return {
    table,
    canonicalize: canonicalizerOf(table),
    contextColumns: Object.entries(contextSources).filter(([column]) => column in table.columns),
    previews: columns.flatMap(([name, column]) =>
      column.type === "string" && column.preview === true ? [[name, column.maxLength!] as const] : [],
    ),
  };
}

/** A timestamp's text, made once a millisecond: 0.7 us each time otherwise. */
function isoClock(): (nowMs: number) => string {
  let lastMs = Number.NaN;
  let text = "";
  return (nowMs) => {
    if (nowMs !== lastMs) {
      lastMs = nowMs;
      text = new Date(nowMs).toISOString();
    }
    return text;
  };
}

/** The first `maxLength` code points of `text`, so that no surrogate pair is cut in two. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  let end = 0;
  for (let points = 0; points < maxLength && end < text.length; points += 1) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

function errorOf(cause: unknown, table: TableName): IndelibleError {
  if (IndelibleError.is(cause)) return cause;
  return new IndelibleError("ERR_UNSERIALIZABLE", `an event of ${table} cannot be read: a getter or toJSON threw`, {
    cause,
  });
}
