import type { Entry } from "../delivery/entries.ts";
import type { Script } from "./script.ts";
import { Talk } from "./talk.ts";

/** 14:00: the video goes out at the second attempt, and a question waits longer than agreed. */
export function upload(script: Script): void {
  const talk = new Talk(script, "CMO", "publish-video", "14:00:00", "Publish the peach oolong video.");
  talk.use("14:00:06", {
    server: "tiktok",
    tool: "upload_video",
    parameters: { file: "peach-oolong.mp4", schedule: script.at("17:00:00") },
    durationMs: 2100,
    error: "429: too many requests, try again in 60 s",
  });
  talk.use("14:01:10", {
    server: "tiktok",
    tool: "upload_video",
    parameters: { file: "peach-oolong.mp4", schedule: script.at("17:00:00") },
    durationMs: 8300,
    result: "video 7331, scheduled",
    costUsd: 0.002,
  });
  talk.escalate(
    ["14:02:00", "15:10:00", "15:12:30"],
    {
      escalation_type: "question",
      urgency: "normal",
      subject: "May comments be answered automatically?",
      description: "The last video had 340 comments. Drafted answers would wait for nobody.",
      target: "CEO",
      sla_target: script.at("15:02:00"),
    },
    "CEO",
    "Yes, except for complaints and allergies.",
  );
  talk.end("15:13:00", [4020, 610], "The video is scheduled for 17:00; comments may be answered, complaints not.");
}

/**
 * 15:30: a conversation fails at the model's end, and the next one succeeds.
 *
 * @returns the entry that the sample logs a second time
 */
export function founderReview(script: Script): Entry {
  const failed = new Talk(script, "CEO", "prepare-review", "15:30:00", "Prepare the founder's review at 16:00.");
  failed.end("15:31:00", [3900, 0], "", "The model's provider answered 529: overloaded");
  const talk = new Talk(script, "CEO", "prepare-review-again", "15:32:00", "Prepare the founder's review at 16:00.");
  talk.use("15:32:05", {
    server: "metrics",
    tool: "get_daily_summary",
    parameters: { business: "harbor-tea", days: 1 },
    durationMs: 610,
    result: "orders 38 until 15:00, revenue 742 USD",
    costUsd: 0.0004,
  });
  talk.think("15:32:14", {
    thinking_type: "planning",
    thinking_content: "Three things for Mara: the double payment first, then the budget in two halves, then the video.",
    confidence_level: 0.88,
    token_count: 120,
  });
  talk.act(
    "15:32:30",
    60,
    "file_write",
    "reviews/today.md",
    { bytes: 1822, mode: "create" },
    {
      success: true,
      result_summary: "1,822 bytes",
    },
  );
  return talk.end(
    "15:32:40",
    [5200, 690],
    "The review is ready: a stopped double payment, a budget to look at, a video at 17:00.",
  );
}

/** A thinking step that the log must refuse: an agent that is 170 % sure. */
export function overconfidence(script: Script): void {
  const talk = new Talk(script, "CMO", "forecast", "16:30:00", "How many orders will the video bring?");
  talk.think("16:30:05", {
    thinking_type: "analysis",
    thinking_content: "It cannot fail.",
    confidence_level: 1.7,
  });
  talk.think("16:30:06", {
    thinking_type: "analysis",
    thinking_content: "Between 40 and 90 orders in three days, if it does half as well as the first.",
    confidence_level: 0.6,
  });
  talk.end("16:30:12", [1900, 240], "40 to 90 orders in three days.");
}

/** Those who read the log are in the log. */
export function readers(script: Script): void {
  const readings = [
    {
      time: "16:02:11",
      principal: "mara@harbor-tea.example",
      access_type: "query" as const,
      table_id: "decision_logs",
      statement: "SELECT decision_summary, rationale FROM decision_logs WHERE requires_human_review",
      rows_read: 2,
      purpose: "founder's review",
    },
    {
      time: "16:03:40",
      principal: "mara@harbor-tea.example",
      access_type: "query" as const,
      table_id: "escalation_logs",
      statement: "SELECT subject, resolution, resolved_by FROM escalation_logs ORDER BY escalated_at",
      rows_read: 3,
      purpose: "founder's review",
    },
    {
      time: "18:00:00",
      principal: "audit@books-and-sons.example",
      access_type: "export" as const,
      table_id: "conversations_history",
      rows_read: 14,
      purpose: "monthly audit",
    },
  ];
  for (const { time, ...reading } of readings) {
    script.log("platform", script.at(time), "log_access_audit", {
      access_id: script.id("access", time),
      accessed_at: script.at(time),
      caller_ip: "203.0.113.20",
      caller_user_agent: "indelible-cli",
      dataset_id: "agent_logs",
      ...reading,
    });
  }
}
