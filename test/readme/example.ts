import { createPublisher } from "@indelible/publisher";

const log = createPublisher({ businessId: "acme", agentPosition: "CFO" });

const chat = log.conversation.start({ model_provider: "openrouter", model_name: "claude-3.5-sonnet" });
chat.thinking({ thinking_type: "analysis", thinking_content: "Spend is 12 % over plan.", confidence_level: 0.8 });
chat.mcpCall({ server_name: "ledger", tool_name: "get_budget", parameters: { month: "2026-01" }, success: true });
chat.decision({ decision_type: "approval", decision_summary: "Move 5,000 to CMO", chosen_option: "approve" });
chat.end({ status: "completed", input_tokens: 1200, output_tokens: 300, cost_usd: 0.0123 });

const { acknowledged, outstanding } = await log.close({ deadlineMs: 5_000 });
console.log(`${acknowledged} events are with Pub/Sub, ${outstanding} are not`);
