/**
 * What logging costs the agent's thread: `node bench/publisher.bench.ts`. Prints a table; nothing leaves the process.
 */
import { createPublisher, type Publisher, type Transport } from "@indelible/publisher";

const ROUNDS = 5;
const CALLS_PER_ROUND = 20_000;

const nullTransport: Transport = {
  publish: () => Promise.resolve("1"),
  close: () => Promise.resolve(),
};

const text = "The quarterly figures are in: revenue rose, costs fell, and the board would like to know why. ";

const conversation = {
  conversation_id: "0199f7a0-0000-7000-8000-000000000001",
  started_at: "2026-01-01T09:00:00.000Z",
  ended_at: "2026-01-01T09:00:07.250Z",
  duration_seconds: 7,
  model_provider: "openrouter",
  model_name: "claude-3.5-sonnet",
  model_version: "20241022",
  input_tokens: 1200,
  output_tokens: 400,
  total_tokens: 1600,
  cost_usd: 0.0123,
  command_executed: 'report --quarter "Q3"',
  user_prompt_preview: text.repeat(4),
  response_preview: text.repeat(2),
  status: "completed",
  ip_address: "10.0.0.1",
  user_agent: "agent/1.0",
} as const;

function openPublisher(): Publisher {
  return createPublisher({ businessId: "acme", agentPosition: "CFO", transport: nullTransport });
}

/** Microseconds a call, of the median round. Each round's time ends when its events have been handed to the transport. */
async function measure(call: () => unknown, finish: () => Promise<unknown>): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const startMs = performance.now();
    for (let index = 0; index < CALLS_PER_ROUND; index += 1) call();
    // oxlint-disable-next-line no-await-in-loop
    await finish();
    rounds.push(((performance.now() - startMs) * 1000) / CALLS_PER_ROUND);
  }
  // The first round warms up.
  const sorted = rounds.slice(1).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

const event = { ...conversation, business_id: "acme", agent_position: "CFO", seq: 1 };
const nothing = (): Promise<void> => Promise.resolve();

const log = openPublisher();
const results = {
  "JSON.stringify alone": await measure(() => JSON.stringify(event), nothing),
  "conversation(), packed and handed over": await measure(
    () => log.conversation(conversation),
    () => log.flush(),
  ),
  "conversation.start() and end()": await measure(
    () => log.conversation.start(conversation).end({ status: "completed" }),
    () => log.flush(),
  ),
};
const { acknowledged, refused } = log.stats();
await log.close();

console.log(`${JSON.stringify(event).length} bytes an event, median of ${ROUNDS} rounds of ${CALLS_PER_ROUND} calls`);
console.table(
  Object.fromEntries(
    Object.entries(results).map(([name, usPerCall]) => [
      name,
      { "us/call": usPerCall.toFixed(2), "calls/s": Math.round(1e6 / usPerCall) },
    ]),
  ),
);
console.log(`${acknowledged} events acknowledged, ${refused} refused`);
