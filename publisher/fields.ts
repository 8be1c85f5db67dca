import type { EventOf } from "@indelible/schemas/tables.ts";

/** The columns of each table that the publisher fills in where they are left out. */
interface FilledColumns {
  readonly conversations: "conversation_id" | "business_id" | "agent_position" | "started_at";
  readonly thinking_logs: "thinking_id" | "business_id" | "agent_position" | "timestamp";
  readonly decision_logs: "decision_id" | "business_id" | "agent_position" | "decided_at";
  readonly action_logs: "action_id" | "business_id" | "agent_position" | "started_at";
  readonly escalation_logs: "escalation_id" | "business_id" | "source_agent" | "escalated_at";
  readonly mcp_usage_logs: "usage_id" | "business_id" | "agent_position" | "called_at";
  readonly log_access_audit: "access_id" | "accessed_at";
}

type Loggable = keyof FilledColumns;

type Flat<T> = { [K in keyof T]: T[K] };

type Optional<T, K extends keyof T> = Flat<Omit<T, K> & { [P in K]?: T[P] | null | undefined }>;

/**
 * What a caller gives to log an event of table `N`: its columns by name; identities, agent and time may be left out.
 */
export type Fields<N extends Loggable> = Optional<EventOf<N>, FilledColumns[N] & keyof EventOf<N>>;

/** A thinking step of a conversation that is known. */
export type ThinkingInConversation = Optional<Fields<"thinking_logs">, "conversation_id">;

/** What a caller adds to an earlier entry about the same thing, whose identity is carried over. */
export type Further<N extends Loggable, Identity extends keyof EventOf<N>> = Flat<Partial<Omit<Fields<N>, Identity>>>;
