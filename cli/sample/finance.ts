import { BUSINESS, type Script } from "./script.ts";
import { Talk } from "./talk.ts";

/**
 * 09:40: the CFO agent moves a budget, which needs a greenlight and a person's look.
 *
 * @returns logs that look, at 16:05
 */
export function budget(script: Script): () => void {
  const talk = new Talk(
    script,
    "CFO",
    "review-budget",
    "09:40:00",
    "Decide on BR-17: 400 USD from search ads to video.",
  );
  talk.use("09:40:06", {
    server: "stripe",
    tool: "get_balance",
    parameters: { currency: "usd" },
    durationMs: 530,
    result: "available 18,240.10 USD",
    costUsd: 0.0002,
  });
  talk.use("09:40:12", {
    server: "sheets",
    tool: "read_range",
    parameters: { sheet: "budget", range: "B2:F14" },
    durationMs: 690,
    result: "search ads: 1,900 USD planned, 1,120 USD spent; video: 600 USD planned, 600 USD spent",
    costUsd: 0.0002,
  });
  talk.think("09:40:22", {
    thinking_type: "analysis",
    thinking_content:
      "Search ads cost 2.90 USD an order this month, the first video 1.45 USD. Moving 400 USD leaves 380 USD for search ads.",
    confidence_level: 0.86,
    context_summary: "Balance, budget sheet, request BR-17",
    token_count: 240,
  });
  talk.think("09:40:31", {
    thinking_type: "decision",
    thinking_content:
      "The whole amount at once cannot be taken back once it is spent. Half now, half after the first thousand views.",
    confidence_level: 0.79,
    options_considered: ["400 USD now", "200 USD now and 200 USD on proof", "decline"],
    decision_made: "200 USD now and 200 USD on proof",
    rationale: "Halves what can be lost and costs a day at most",
    token_count: 221,
  });
  const decided = {
    decision_type: "approval" as const,
    decision_summary: "CMO budget reallocation",
  };
  const decision_id = talk.decide("09:40:40", {
    ...decided,
    context: "BR-17: 400 USD from search ads to video; an order costs 1.45 USD by video and 2.90 USD by search ads",
    options_evaluated: [
      { option: "400 USD now", pros: ["fast"], cons: ["cannot be taken back"], score: 6 },
      {
        option: "200 USD now and 200 USD on proof",
        pros: ["limits the loss", "forces a measurement"],
        cons: ["a second decision is needed"],
        score: 8.5,
      },
      { option: "decline", pros: ["plan is kept"], cons: ["the cheapest channel stays unused"], score: 3 },
    ],
    chosen_option: "200 USD now and 200 USD on proof",
    rationale: "Limits the loss and forces a measurement",
    confidence: 0.79,
    affected_agents: ["CMO"],
    affected_entities: ["budget:search-ads", "budget:video"],
    requires_human_review: true,
    human_reviewed: false,
  });
  talk.escalate(
    ["09:40:45", "09:47:10", "09:52:30"],
    {
      escalation_type: "greenlight",
      urgency: "normal",
      subject: "Greenlight for BR-17",
      description:
        "Budgets above 250 USD need a greenlight. Proposed: 200 USD now, 200 USD after the first 1,000 views.",
      target: "CEO",
      sla_target: script.at("13:40:45"),
    },
    "CEO",
    "granted as proposed",
  );
  talk.act(
    "09:53:02",
    48,
    "file_write",
    "finance/budget-changes.csv",
    { bytes: 118, mode: "append" },
    {
      success: true,
      result_summary: "one line appended",
    },
  );
  talk.end("09:53:10", [7240, 1180], "BR-17 is granted in two halves; the first 200 USD are available now.");
  return () => {
    const reviewedAt = script.at("16:05:00");
    script.log("CFO", reviewedAt, "decision_logs", {
      ...decided,
      decision_id,
      business_id: BUSINESS,
      agent_position: "CFO",
      decided_at: script.at("09:40:40"),
      human_reviewed: true,
      human_reviewer: "mara@harbor-tea.example",
      human_review_at: reviewedAt,
    });
  };
}

/** 11:20: a supplier is paid twice. The red phone rings, and a person settles it. */
export function redPhone(script: Script): void {
  const talk = new Talk(script, "CFO", "check-payments", "11:20:00", "Check this morning's payments.");
  talk.use("11:20:04", {
    server: "bank",
    tool: "list_transfers",
    parameters: { since: script.at("00:00:00") },
    durationMs: 870,
    result: "4 transfers, of which 2 to Wuyi Imports, 3,120.00 USD each, 41 s apart",
    costUsd: 0.0003,
  });
  talk.think("11:20:13", {
    thinking_type: "uncertainty",
    thinking_content:
      "Same supplier, same amount, same invoice number. Either the payment was retried, or somebody has our invoice.",
    confidence_level: 0.58,
    options_considered: ["ask the supplier", "hold the second transfer", "wait"],
    decision_made: "hold the second transfer",
    rationale: "A hold can be lifted, a transfer cannot be called back after noon",
    token_count: 233,
  });
  talk.use("11:20:20", {
    server: "bank",
    tool: "hold_transfer",
    parameters: { transfer: "T-90114" },
    durationMs: 10_000,
    error: "504: no answer from the bank",
  });
  talk.use("11:20:34", {
    server: "bank",
    tool: "hold_transfer",
    parameters: { transfer: "T-90114" },
    durationMs: 640,
    error: "409: holds above 1,000 USD need a person",
  });
  talk.decide("11:20:40", {
    decision_type: "escalation",
    decision_summary: "Red phone: 3,120 USD may be paid twice, and only a person may hold it",
    context: "Transfers T-90113 and T-90114",
    options_evaluated: [
      { option: "red phone", pros: ["40 minutes are enough"], cons: ["disturbs a person"], score: 9.5 },
      { option: "mail", pros: ["quiet"], cons: ["may be read after noon"], score: 2 },
    ],
    chosen_option: "red phone",
    rationale: "After noon the money is gone",
    confidence: 0.93,
    affected_agents: ["CEO"],
    affected_entities: ["transfer:T-90114", "supplier:wuyi-imports"],
    requires_human_review: true,
  });
  talk.escalate(
    ["11:20:45", "11:23:02", "11:41:17"],
    {
      escalation_type: "red_phone",
      urgency: "critical",
      subject: "Transfer T-90114 looks like a double payment of 3,120 USD",
      description:
        "Same supplier, amount and invoice as T-90113, 41 s apart. The bank holds it only for a person, until 12:00.",
      target: "HUMAN",
      sla_target: script.at("11:50:45"),
    },
    "mara@harbor-tea.example",
    "Called the bank: T-90114 is held and returned. Cause: the payment form was sent twice.",
  );
  talk.end("11:42:05", [5310, 760], "The double payment of 3,120 USD was stopped by Mara at 11:41.");
}
