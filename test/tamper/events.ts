import type { Event } from "@indelible/schemas/tables.ts";

const who = { business_id: "acme", agent_position: "CFO" } as const;
const when = "2026-06-01T12:00:00Z";

/** An event of each table that agents write, with the identity `id`. */
export function decision(id: string): Event {
  return { ...who, decision_id: id, decided_at: when, affected_agents: ["CFO", "CTO"], confidence: 0.5 };
}

export function action(id: string): Event {
  return { ...who, action_id: id, started_at: when, action_details: { invoice: 17 }, success: true };
}

export function toolCall(id: string): Event {
  return { ...who, usage_id: id, server_name: "bank", tool_name: "pay", called_at: when };
}

export function escalation(id: string): Event {
  return { business_id: "acme", source_agent: "CFO", escalation_id: id, subject: "money", escalated_at: when };
}
