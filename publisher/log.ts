import type { Fields, Further, ThinkingInConversation } from "./fields.ts";
import { completeConversation, startAction, startEscalation, type Action, type Escalation } from "./lifecycle.ts";
import type { Context, Recorder } from "./recorder.ts";

/**
 * One method a table. Each takes the columns by their names, serializes them before it returns (the caller may change
 * its object afterwards), and returns the event's `log_id`, also when the event was refused. Identity, agent and time
 * are filled in where they are null or left out; longer previews are cut. None of the methods throws or waits.
 */
export interface Log {
  /** A whole conversation in one entry, or `start()` for one that goes on. */
  readonly conversation: ConversationLog;
  /** One step of reasoning. */
  thinking(fields: Fields<"thinking_logs">): string;
  /** An explicit decision. */
  decision(fields: Fields<"decision_logs">): string;
  /** A whole action in one entry, or `start()` for one that takes its time. */
  readonly action: ActionLog;
  /** An escalation that nobody here will follow, or `start()` for one that is acknowledged and resolved here. */
  readonly escalation: EscalationLog;
  /** One call of an MCP tool. */
  mcpCall(fields: Fields<"mcp_usage_logs">): string;
  /** One reading of the log, where the platform does not record it itself. */
  access(fields: Fields<"log_access_audit">): string;
}

export interface ConversationLog {
  (fields: Fields<"conversations">): string;
  start(fields?: Fields<"conversations">): Conversation;
}

/** A conversation that has begun. Its methods fill in the conversation and agent that it was started with. */
export interface Conversation {
  /** The `conversation_id`. */
  readonly id: string;
  thinking(fields: ThinkingInConversation): string;
  /** A decision has no column for the conversation; it gets the agent. */
  decision(fields: Fields<"decision_logs">): string;
  readonly action: ActionLog;
  readonly escalation: EscalationLog;
  mcpCall(fields: Fields<"mcp_usage_logs">): string;
  /** Fills in `ended_at` (now) and `duration_seconds` (whole ones; left out if the clock went back). */
  end(fields?: Further<"conversations", "conversation_id">): string;
}

export interface ActionLog {
  (fields: Fields<"action_logs">): string;
  start(fields?: Fields<"action_logs">): Action;
}

export interface EscalationLog {
  (fields: Fields<"escalation_logs">): string;
  start(fields?: Fields<"escalation_logs">): Escalation;
}

/** The methods for events of one context. */
export function createLog(record: Recorder, context: Context): Log {
  return {
    conversation: Object.assign((fields: Fields<"conversations">) => record.log("conversations", context, fields), {
      start: (fields: Fields<"conversations"> = {}) => startConversation(record, context, fields),
    }),
    thinking: (fields) => record.log("thinking_logs", context, fields),
    decision: (fields) => record.log("decision_logs", context, fields),
    action: Object.assign((fields: Fields<"action_logs">) => record.log("action_logs", context, fields), {
      start: (fields: Fields<"action_logs"> = {}) => startAction(record, context, fields),
    }),
    escalation: Object.assign((fields: Fields<"escalation_logs">) => record.log("escalation_logs", context, fields), {
      start: (fields: Fields<"escalation_logs"> = {}) => startEscalation(record, context, fields),
    }),
    mcpCall: (fields) => record.log("mcp_usage_logs", context, fields),
    access: (fields) => record.log("log_access_audit", context, fields),
  };
}

function startConversation(record: Recorder, context: Context, fields: Fields<"conversations">): Conversation {
  const started = record.begin("conversations", context, fields);
  const id = started["conversation_id"] as string;
  const complete = completeConversation(started);
  const log = createLog(record, {
    business_id: started["business_id"] as string,
    agent_position: started["agent_position"] as string,
    conversation_id: id,
  });
  return {
    id,
    // The context gives the conversation_id that the table's own method asks for.
    thinking: (step) => log.thinking(step as Fields<"thinking_logs">),
    decision: log.decision,
    action: log.action,
    escalation: log.escalation,
    mcpCall: log.mcpCall,
    end: (further = {}) => record.begin("conversations", context, further, complete)["log_id"] as string,
  };
}

/** The method for each table. */
export interface LogMethods {
  readonly conversations: "conversation";
  readonly thinking_logs: "thinking";
  readonly decision_logs: "decision";
  readonly action_logs: "action";
  readonly escalation_logs: "escalation";
  readonly mcp_usage_logs: "mcpCall";
  readonly log_access_audit: "access";
}

export const logMethods: LogMethods = {
  conversations: "conversation",
  thinking_logs: "thinking",
  decision_logs: "decision",
  action_logs: "action",
  escalation_logs: "escalation",
  mcp_usage_logs: "mcpCall",
  log_access_audit: "access",
};
