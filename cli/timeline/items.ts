import { tables, type TableName } from "@indelible/schemas/tables.ts";
import { microsOf, type Entity } from "./fold.ts";

/** What a detail is about, and what it says. */
export interface Detail {
  readonly name: string;
  readonly text: string;
}

/** Something that happened in a conversation. An entity is one, or one for each of its stages. */
export interface TimelineItem {
  /** RFC 3339: by the agent's clock. */
  readonly happened_at: string;
  /** Milliseconds since the first item. */
  readonly elapsed_ms: number;
  readonly kind:
    | "prompt"
    | "outcome"
    | "thinking"
    | "decision"
    | "reviewed"
    | "action"
    | "tool"
    | "escalation"
    | "acknowledged"
    | "resolved";
  readonly table_name: TableName;
  readonly entity_id: string;
  /** The latest entry of its entity. */
  readonly log_id: string;
  readonly agent: string | null;
  readonly title: string | null;
  readonly outcome: string | null;
  readonly failed: boolean;
  readonly duration_ms: number | null;
  readonly tokens: number | null;
  readonly cost_usd: number | null;
  readonly details: readonly Detail[];
  /** Columns of which a later entry said something else; what is shown is the latest. */
  readonly corrected: readonly string[];
  readonly conflict: boolean;
  /** The tool's call that this action says once more. */
  readonly same_as: string | null;
  /** A decision has no column for its conversation: it is here because its agent made it at that time. */
  readonly by_time: boolean;
}

type Draft = Omit<TimelineItem, "happened_at" | "elapsed_ms" | "same_as"> & {
  readonly micros: number;
  readonly seq: number;
  /** Names of the tool that is called: of a call with its server and without, of an action that is one (`mcp_call`) its target. */
  readonly calls: readonly string[];
};

/** Items of entities, in the order in which they happened: by the agent's clock, then by the publisher's number. */
export function itemsOf(entities: readonly Entity[]): TimelineItem[] {
  const drafts = entities.flatMap(draftsOf).toSorted((a, b) => a.micros - b.micros || a.seq - b.seq);
  const sameAs = callsOfActions(drafts);
  const first = drafts[0]?.micros ?? 0;
  return drafts.map((item) => {
    const { micros, seq: _seq, calls: _calls, ...shown } = item;
    return {
      happened_at: new Date(micros / 1000).toISOString(),
      elapsed_ms: Math.round((micros - first) / 1000),
      ...shown,
      same_as: sameAs.get(item) ?? null,
    };
  });
}

/** The calls of tools that actions say once more: of the same tool at the same time. Each call is one action's. */
function callsOfActions(drafts: readonly Draft[]): Map<Draft, string> {
  const key = (micros: number, name: string): string => `${micros} ${name}`;
  const waiting = new Map<string, Draft[]>();
  for (const tool of drafts.toReversed()) {
    if (tool.kind !== "tool") continue;
    for (const name of tool.calls) {
      const at = key(tool.micros, name);
      waiting.set(at, waiting.get(at) ?? []);
      waiting.get(at)?.push(tool);
    }
  }
  const taken = new Set<Draft>();
  const sameAs = new Map<Draft, string>();
  for (const action of drafts) {
    if (action.kind !== "action") continue;
    for (const name of action.calls) {
      const candidates = waiting.get(key(action.micros, name)) ?? [];
      let tool = candidates.pop();
      while (tool !== undefined && taken.has(tool)) tool = candidates.pop();
      if (tool === undefined) continue;
      taken.add(tool);
      sameAs.set(action, tool.entity_id);
    }
  }
  return sameAs;
}

function draftsOf(entity: Entity): Draft[] {
  const say = reader(entity);
  switch (entity.table) {
    case "conversations":
      return conversation(entity);
    case "thinking_logs":
      return [
        draft(entity, "thinking", say.time("timestamp"), {
          title: say.text("thinking_content"),
          outcome: say.text("thinking_type"),
          details: details([
            ["sure", percent(say.number("confidence_level"))],
            ["knew", say.text("context_summary")],
            ["options", say.list("options_considered")],
            ["settled on", say.text("decision_made")],
            ["because", say.text("rationale")],
          ]),
        }),
      ];
    case "decision_logs":
      return decision(entity);
    case "action_logs":
      return [
        draft(entity, "action", say.time("started_at"), {
          title: say.text("action_target"),
          calls: say.text("action_type") === "mcp_call" ? [say.text("action_target") ?? ""] : [],
          ...outcomeOf(say.bool("success")),
          duration_ms: say.number("duration_ms") ?? between(say.time("started_at"), say.time("completed_at")),
          cost_usd: say.number("cost_usd"),
          details: details([
            ["type", say.text("action_type")],
            ["with", say.json("action_details")],
            ["result", say.text("result_summary")],
            ["error", say.text("error_message")],
          ]),
        }),
      ];
    case "mcp_usage_logs":
      return [
        draft(entity, "tool", say.time("called_at"), {
          title: `${say.text("server_name")}/${say.text("tool_name")}`,
          calls: [`${say.text("server_name")}/${say.text("tool_name")}`, say.text("tool_name") ?? ""],
          ...outcomeOf(say.bool("success")),
          duration_ms: say.number("duration_ms"),
          tokens: say.number("tokens_used"),
          cost_usd: say.number("cost_usd"),
          details: details([
            ["with", say.json("parameters")],
            ["result", say.text("result_summary")],
            ["error", say.text("error_message")],
          ]),
        }),
      ];
    case "escalation_logs":
      return escalation(entity);
    default:
      return [];
  }
}

function conversation(entity: Entity): Draft[] {
  const say = reader(entity);
  const [started, ended] = [say.time("started_at"), say.time("ended_at")];
  const status = say.text("status");
  const prompt = draft(entity, "prompt", started, {
    title: say.text("user_prompt_preview") ?? say.text("command_executed"),
    details: details([
      ["command", say.text("user_prompt_preview") === null ? null : say.text("command_executed")],
      ["model", say.text("model_name")],
    ]),
  });
  if (ended === undefined && status === null) return [prompt];
  const outcome = draft(entity, "outcome", ended ?? lastTime(entity), {
    title: say.text("response_preview"),
    outcome: status ?? "ended",
    failed: status === "error" || status === "timeout",
    duration_ms: between(started, ended) ?? seconds(say.number("duration_seconds")),
    tokens: say.number("total_tokens") ?? sum(say.number("input_tokens"), say.number("output_tokens")),
    cost_usd: say.number("cost_usd"),
    details: details([["error", say.text("error_message")]]),
    seq: seqOf(entity.entries.at(-1)),
  });
  return [{ ...prompt, corrected: [] }, outcome];
}

function decision(entity: Entity): Draft[] {
  const say = reader(entity);
  const chosen = say.text("chosen_option");
  const options = entity.latest["options_evaluated"];
  const listed = Array.isArray(options) ? options.map((option: unknown) => optionText(option, chosen)) : [];
  const made = draft(entity, "decision", say.time("decided_at"), {
    title: say.text("decision_summary") ?? chosen,
    outcome:
      say.bool("requires_human_review") === true && say.bool("human_reviewed") !== true
        ? "to review"
        : say.text("decision_type"),
    details: details([
      ["on", say.text("context")],
      ...listed.map((text): [string, string] => ["option", text]),
      ["chosen", listed.some((text) => text.startsWith("* ")) ? null : chosen],
      ["because", say.text("rationale")],
      ["sure", percent(say.number("confidence"))],
      [
        "touches",
        [say.list("affected_agents"), say.list("affected_entities")].filter((text) => text !== null).join("; ") || null,
      ],
    ]),
    by_time: true,
  });
  if (say.bool("human_reviewed") !== true) return [made];
  const reviewed = draft(entity, "reviewed", say.time("human_review_at") ?? lastTime(entity), {
    title: say.text("human_override") ?? "as it was decided",
    outcome: say.text("human_override") === null ? "confirmed" : "overridden",
    details: details([
      ["by", say.text("human_reviewer")],
      ["decision", say.text("decision_summary")],
    ]),
    corrected: [],
    by_time: true,
    seq: seqOf(entity.entries.at(-1)),
  });
  return [made, reviewed];
}

function escalation(entity: Entity): Draft[] {
  const say = reader(entity);
  const [raised, taken, settled] = [say.time("escalated_at"), say.time("acknowledged_at"), say.time("resolved_at")];
  const title = say.text("subject") ?? say.text("description");
  const items = [
    draft(entity, "escalation", raised, {
      title,
      outcome: settled === undefined ? "open" : null,
      duration_ms: between(raised, settled),
      details: details([
        [
          "to",
          [say.text("target"), say.text("escalation_type"), say.text("urgency")]
            .filter((text) => text !== null)
            .join(", ") || null,
        ],
        ["about", say.text("subject") === null ? null : say.text("description")],
        ["due", say.text("sla_target")],
      ]),
    }),
  ];
  const stage = { corrected: [], conflict: false, seq: seqOf(entity.entries.at(-1)) };
  if (taken !== undefined)
    items.push(draft(entity, "acknowledged", taken, { ...stage, title, duration_ms: between(raised, taken) }));
  if (settled !== undefined) {
    const met = say.bool("sla_met");
    items.push(
      draft(entity, "resolved", settled, {
        ...stage,
        title: say.text("resolution") ?? title,
        outcome: met === null ? null : met ? "SLA met" : "SLA missed",
        failed: met === false,
        duration_ms: between(raised, settled),
        details: details([["by", say.text("resolved_by")]]),
      }),
    );
  }
  return items;
}

function draft(entity: Entity, kind: Draft["kind"], micros: number | undefined, fields: Partial<Draft>): Draft {
  const { table, id, latest, entries, corrected, conflict } = entity;
  const agent = latest["agent_position"] ?? latest["source_agent"];
  return {
    micros: micros ?? microsOf(latest[tables[table].occurredAt]) ?? lastTime(entity),
    seq: seqOf(entries[0]),
    kind,
    table_name: table,
    entity_id: id,
    log_id: String(latest["log_id"]),
    agent: typeof agent === "string" ? agent : null,
    title: null,
    outcome: null,
    failed: false,
    duration_ms: null,
    tokens: null,
    cost_usd: null,
    details: [],
    corrected,
    conflict,
    by_time: false,
    calls: [],
    ...fields,
  };
}

/** The latest values of an entity, by type; null: there is none. */
function reader({ latest }: Entity) {
  const text = (name: string): string | null => (typeof latest[name] === "string" ? latest[name] : null);
  return {
    text,
    number: (name: string): number | null => (typeof latest[name] === "number" ? latest[name] : null),
    bool: (name: string): boolean | null => (typeof latest[name] === "boolean" ? latest[name] : null),
    time: (name: string): number | undefined => microsOf(latest[name]),
    json: (name: string): string | null => (latest[name] === undefined ? null : JSON.stringify(latest[name])),
    list: (name: string): string | null => (Array.isArray(latest[name]) ? latest[name].join("; ") : null),
  };
}

function details(pairs: readonly (readonly [name: string, text: string | null])[]): Detail[] {
  return pairs.flatMap(([name, text]) => (text === null || text === "" ? [] : [{ name, text }]));
}

/** The chosen one is marked with a star. */
function optionText(option: unknown, chosen: string | null): string {
  if (typeof option !== "object" || option === null) return String(option);
  const { option: name, score, pros, cons } = option as { readonly [field: string]: unknown };
  const reasons = (list: unknown, sign: string): string[] =>
    Array.isArray(list) ? list.map((one) => `${sign} ${one}`) : [];
  const why = [...reasons(pros, "+"), ...reasons(cons, "-")].join(", ");
  return `${name === chosen ? "* " : ""}${String(name)}${typeof score === "number" ? ` [${score}]` : ""}${why === "" ? "" : `: ${why}`}`;
}

function outcomeOf(success: boolean | null): Pick<Draft, "outcome" | "failed"> {
  return { outcome: success === null ? null : success ? "ok" : "failed", failed: success === false };
}

function percent(share: number | null): string | null {
  return share === null ? null : `${Math.round(share * 100)} %`;
}

function between(from: number | undefined, to: number | undefined): number | null {
  return from === undefined || to === undefined ? null : Math.round((to - from) / 1000);
}

function seconds(count: number | null): number | null {
  return count === null ? null : count * 1000;
}

function sum(a: number | null, b: number | null): number | null {
  return a === null && b === null ? null : (a ?? 0) + (b ?? 0);
}

function lastTime({ entries }: Entity): number {
  const last = entries.at(-1);
  return microsOf(last?.["logged_at"] ?? last?.["published_at"]) ?? 0;
}

function seqOf(row: Entity["latest"] | undefined): number {
  return typeof row?.["seq"] === "number" ? row["seq"] : -1;
}
