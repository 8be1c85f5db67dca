import type { Fields } from "@indelible/publisher";

/** A conversation as an agent's program has it at hand when it is over. */
export type ConversationEvent = Fields<"conversations"> & {
  readonly conversation_id: string;
  readonly started_at: string;
  readonly ended_at: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: number;
  readonly model_name: string;
  readonly user_prompt_preview: string;
  readonly response_preview: string;
  readonly user_agent: string;
};

/** Once in every event, in whatever form a library sends it. */
const MARKER = "bench-agent/1.0";

// Text of agents at work. Random letters would compress worse than what people log, one sentence repeated better.
const WORDS =
  `the a of to and in for that with is was are not on by from as at this which has have been would could should
  revenue quarter forecast invoice customer account balance supplier contract renewal margin churn pipeline ledger budget variance
  expense approval payment overdue reconcile refund discount pricing subscription inventory shipment warehouse carrier delay
  escalate review approve reject summarize compare estimate draft schedule confirm update cancel investigate attach notify
  customer's legal team finance board auditor manager analyst engineer vendor counsel regulator investor candidate
  September October Monday Friday yesterday tomorrow week month EMEA APAC Zürich São Paulo café naïve résumé
  high low higher lower roughly exactly approximately before after because although therefore however meanwhile
  database latency deployment rollback incident ticket threshold timeout retry query index migration release token context
  prompt response answer question reason evidence assumption risk option recommendation decision outcome follow-up`
    .trim()
    .split(/\s+/);
const MODELS = [
  ["openrouter", "claude-3.5-sonnet", "20241022"],
  ["openai", "gpt-4.1", "2025-04-14"],
  ["google", "gemini-2.5-pro", "002"],
] as const;
const POSITIONS = ["CFO", "COO", "Head of Support", "Procurement", "Legal Counsel"];
const COMMANDS = ["report --quarter", "search --limit", "invoice --number", "forecast --months", "ticket --id"];

/** How many events are in what a sink got, uncompressed. */
export function eventsIn(text: Buffer): number {
  let events = 0;
  for (let at = text.indexOf(MARKER); at !== -1; at = text.indexOf(MARKER, at + MARKER.length)) events += 1;
  return events;
}

/** `count` conversations of about 1.2 KB as JSON, no two alike; the same ones for the same seed. */
export function conversations(count: number, seed = 20261124): ConversationEvent[] {
  const random = mulberry32(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const hex = (digits: number): string => Array.from({ length: digits }, () => below(16).toString(16)).join("");
  const text = (length: number): string => {
    let words = "";
    while (words.length < length) {
      const roll = below(40);
      if (roll === 0) words += `${(random() * 100_000).toFixed(2)} € `;
      else if (roll === 1) words += `#${below(1e6)} `;
      else words += `${WORDS[below(WORDS.length)]}${roll < 5 ? ". " : " "}`;
    }
    return words.slice(0, length);
  };
  return Array.from({ length: count }, (_, index) => {
    const [provider, name, version] = MODELS[below(MODELS.length)]!;
    const startedMs = Date.UTC(2026, 0, 1, 9) + index * 731 + below(700);
    const seconds = 1 + below(60);
    const input = 200 + below(8_000);
    const output = 20 + below(2_000);
    const event = {
      conversation_id: `0199f7a0-${hex(4)}-7${hex(3)}-8${hex(3)}-${hex(12)}`,
      business_id: `business-${below(500)}`,
      agent_position: POSITIONS[below(POSITIONS.length)]!,
      started_at: new Date(startedMs).toISOString(),
      ended_at: new Date(startedMs + seconds * 1000 + below(1000)).toISOString(),
      duration_seconds: seconds,
      model_provider: provider,
      model_name: name,
      model_version: version,
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      cost_usd: Math.round((input * 3 + output * 15) * 10) / 1e7,
      command_executed: `${COMMANDS[below(COMMANDS.length)]} "${below(100_000)}"`,
      user_prompt_preview: text(180 + below(200)),
      response_preview: text(280 + below(200)),
      status: "completed",
      ip_address: `10.${below(256)}.${below(256)}.${below(256)}`,
      user_agent: `${MARKER} (linux; x64) node/24`,
    } as const;
    // Flat strings, as they come out of a response: the first to serialize a concatenation pays for joining it.
    return JSON.parse(JSON.stringify(event)) as typeof event;
  });
}

/** A small, well-mixed generator whose sequence is given by its seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
