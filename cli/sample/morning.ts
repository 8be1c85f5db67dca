import type { Script } from "./script.ts";
import { Talk } from "./talk.ts";

/** 08:00: the CEO agent looks at the numbers and deals out the day's work. */
export function briefing(script: Script): void {
  const talk = new Talk(script, "CEO", "morning-briefing", "08:00:00", "What should we get done today?");
  talk.use("08:00:04", {
    server: "metrics",
    tool: "get_daily_summary",
    parameters: { business: "harbor-tea", days: 7 },
    durationMs: 740,
    result: "revenue 4,182 USD (+6 %), orders 211, refunds 3, ad spend 610 USD",
    costUsd: 0.0004,
  });
  talk.use("08:00:09", {
    server: "calendar",
    tool: "list_events",
    parameters: { day: script.day },
    durationMs: 310,
    result: "11:00 supplier call; 16:00 founder's review",
    costUsd: 0.0001,
  });
  talk.think("08:00:15", {
    thinking_type: "analysis",
    thinking_content:
      "Revenue grows while ad spend stays flat. The cold-brew video of last week still brings a third of new orders.",
    confidence_level: 0.82,
    context_summary: "Seven days of metrics, today's calendar",
    token_count: 212,
  });
  talk.think("08:00:24", {
    thinking_type: "planning",
    thinking_content:
      "A second video is the cheapest experiment. It needs money that is planned for search ads, so finance has to agree first.",
    confidence_level: 0.74,
    options_considered: ["second video this week", "wait for the month's numbers", "more search ads"],
    decision_made: "second video this week",
    rationale: "Small, reversible, and measurable within days",
    token_count: 268,
  });
  talk.decide("08:00:31", {
    decision_type: "routing",
    decision_summary: "CMO prepares a second video; CFO checks the money for it",
    context: "Weekly metrics and the founder's review at 16:00",
    options_evaluated: [
      { option: "CMO, then CFO", pros: ["a proposal with numbers"], cons: ["CFO has less time"], score: 7.5 },
      {
        option: "CFO, then CMO",
        pros: ["no work for nothing"],
        cons: ["CFO would judge without a proposal"],
        score: 5,
      },
    ],
    chosen_option: "CMO, then CFO",
    rationale: "A decision about money needs a concrete proposal",
    confidence: 0.8,
    affected_agents: ["CMO", "CFO"],
    requires_human_review: false,
  });
  talk.use("08:00:36", {
    server: "slack",
    tool: "post_message",
    parameters: { channel: "#agents", text: "CMO: second cold-brew video. CFO: expect a budget request before ten." },
    durationMs: 5000,
    error: "timeout after 5000 ms",
  });
  talk.use("08:00:43", {
    server: "slack",
    tool: "post_message",
    parameters: { channel: "#agents", text: "CMO: second cold-brew video. CFO: expect a budget request before ten." },
    durationMs: 420,
    result: "posted",
  });
  talk.end(
    "08:00:47",
    [6120, 840],
    "Two tasks dealt out: a second video (CMO) and its budget (CFO). Numbers are up 6 %.",
  );
}

/** 09:00: the CMO agent prepares a video and asks for the money. */
export function campaign(script: Script): void {
  const talk = new Talk(script, "CMO", "plan-campaign", "09:00:00", "Prepare the second cold-brew video.");
  talk.use("09:00:05", {
    server: "analytics",
    tool: "top_posts",
    parameters: { platform: "tiktok", limit: 5 },
    durationMs: 980,
    result: "cold brew: 48,200 views, 212 clicks; next best: 9,100 views",
    costUsd: 0.0006,
  });
  talk.think("09:00:14", {
    thinking_type: "analysis",
    thinking_content:
      "The first three seconds carry the video. Ice and colour, no talking. Reuse that, change the recipe.",
    confidence_level: 0.77,
    context_summary: "Five best posts of the month",
    options_considered: ["peach oolong on ice", "behind the counter", "customer story"],
    decision_made: "peach oolong on ice",
    rationale: "Closest to what worked",
    token_count: 190,
  });
  talk.use("09:00:30", {
    server: "image-studio",
    tool: "render_storyboard",
    parameters: { theme: "peach oolong on ice", frames: 6, style: { light: "morning", captions: false } },
    durationMs: 14_200,
    result: "storyboard.png, 6 frames",
    costUsd: 0.048,
  });
  talk.act(
    "09:00:58",
    35,
    "file_write",
    "marketing/peach-oolong/storyboard.md",
    { bytes: 2310, mode: "create" },
    {
      success: true,
      result_summary: "2,310 bytes",
    },
  );
  talk.think("09:01:06", {
    thinking_type: "uncertainty",
    thinking_content:
      "Nobody has checked whether we may use the music of the first video again. Without it the cost estimate is a guess.",
    confidence_level: 0.41,
    decision_made: "ask for the licence before the upload",
    token_count: 144,
  });
  talk.use("09:01:15", {
    server: "licences",
    tool: "check_track",
    parameters: { track: "Slow Tide", use: "advertising" },
    durationMs: 260,
    error: "403: the account has no access to this catalogue",
  });
  talk.decide("09:01:24", {
    decision_type: "action",
    decision_summary: "TikTok content approved",
    context: "Storyboard of peach oolong on ice; the licence of the first track cannot be checked",
    options_evaluated: [
      { option: "free library", pros: ["no cost", "no risk"], cons: ["less known"], score: 8 },
      { option: "same track", pros: ["known to work"], cons: ["licence unknown"], score: 3 },
    ],
    chosen_option: "free library",
    rationale: "An unknown licence is a risk that a video is not worth",
    confidence: 0.9,
    requires_human_review: false,
  });
  talk.act(
    "09:01:40",
    1200,
    "approval_request",
    "CFO",
    { amount_usd: 400, from: "search ads", to: "video" },
    {
      success: true,
      result_summary: "request BR-17 handed to the CFO",
    },
  );
  talk.end("09:01:45", [8450, 1310], "Storyboard is ready; a budget of 400 USD is requested from the CFO (BR-17).");
}
