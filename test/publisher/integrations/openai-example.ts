import { createPublisher } from "@indelible/publisher";
import { logged, logOpenAI } from "@indelible/publisher/openai";
import { OpenAI } from "openai";

const log = createPublisher({ businessId: "acme", agentPosition: "CFO" });
const openai = logOpenAI(new OpenAI(), log);

await openai.chat.completions.create({ model: "gpt-4o", messages: [{ role: "user", content: "Are we over budget?" }] });

const chat = log.conversation.start({ command_executed: "review budget" });
await logOpenAI(openai, chat).responses.create({ model: "gpt-4o", input: "By how much?" });
await openai.responses.create({ model: "gpt-4o", input: "And why?" }, logged({ conversation_id: chat.id }));
chat.end({ status: "completed" });
console.log(`${(await log.close()).acknowledged} events are with Pub/Sub`);
