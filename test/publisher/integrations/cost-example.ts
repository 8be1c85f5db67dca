import { costOf } from "@indelible/publisher/cost";

const usage = { input_tokens: 20_000, cache_read_tokens: 12_000, output_tokens: 700 };
const cost = costOf({ provider: "anthropic", model: "claude-sonnet-4-20250514", usage });
console.log(cost?.cost_usd.toFixed(4), cost?.cost_source.split("@", 2).join("@"));
