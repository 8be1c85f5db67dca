import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { calcPrice } from "@pydantic/genai-prices";

/**
 * What one call of a model used. Tokens that belong to others are counted in those, too, as OpenAI does it: whatever
 * was read from or written to a cache is part of `input_tokens`, reasoning is part of `output_tokens`. (Anthropic's
 * own API counts cached tokens beside `input_tokens`: add them up first.)
 */
export interface Usage {
  /** All tokens that the model read, from a cache or not. */
  readonly input_tokens?: number | undefined;
  /** All tokens that the model wrote, reasoning included. */
  readonly output_tokens?: number | undefined;
  /** Part of `input_tokens`: read from a cache. */
  readonly cache_read_tokens?: number | undefined;
  /** Part of `input_tokens`: written to a cache. */
  readonly cache_write_tokens?: number | undefined;
  /** Part of `cache_write_tokens`: written to a cache that lives for an hour. */
  readonly cache_write_1h_tokens?: number | undefined;
  /** Part of `input_tokens`: sound. */
  readonly input_audio_tokens?: number | undefined;
  /** Part of `output_tokens`: sound. */
  readonly output_audio_tokens?: number | undefined;
  /** Part of `output_tokens`: reasoning. */
  readonly output_reasoning_tokens?: number | undefined;
  /** What the provider itself says the call cost, in US dollars. Goes before any price list. */
  readonly cost_usd?: number | undefined;
}

export interface PricedCall {
  /** Who served the model, by the price list's name: openai, anthropic, azure, openrouter… Unknown: no cost. */
  readonly provider?: string | undefined;
  /** The model by its provider's name, such as gpt-4o-2024-08-06. Unknown: no cost. */
  readonly model?: string | undefined;
  readonly usage: Usage;
  /** When the call was made: prices change. Default: now. */
  readonly at?: Date | undefined;
}

/** The columns of that name. */
export interface Cost {
  readonly cost_usd: number;
  /** `provider`, or the price list as package@version. */
  readonly cost_source: string;
}

/** The part of the price list's package that is used here, and the version that was really loaded. */
export interface PriceList {
  readonly calcPrice: typeof calcPrice;
  readonly version: string;
}

const PRICE_LIST = "@pydantic/genai-prices";

/** The keys that the price list is told. It prints a warning for a key that it does not know. */
const countedKeys = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_write_1h_tokens",
  "input_audio_tokens",
  "output_audio_tokens",
  "output_reasoning_tokens",
] as const;

/**
 * A `costOf()` over the price list that `load` gives; it is asked once, at the first need, and may throw or give
 * nothing: then only a provider's own figures are costs.
 */
export function createCostOf(load: () => PriceList | undefined): (call: PricedCall) => Cost | undefined {
  let list: PriceList | undefined;
  let loaded = false;
  return ({ provider, model, usage, at }) => {
    if (isAmount(usage.cost_usd)) return { cost_usd: usage.cost_usd, cost_source: "provider" };
    if (!provider || !model) return undefined;
    const counts: { [key: string]: number } = {};
    for (const key of countedKeys) {
      const count = usage[key];
      if (isAmount(count)) counts[key] = count;
    }
    if (counts["input_tokens"] === undefined && counts["output_tokens"] === undefined) return undefined;
    try {
      if (!loaded) {
        loaded = true;
        list = load();
      }
      const price = list?.calcPrice(counts, model, { providerId: provider, ...(at && { timestamp: at }) });
      if (!list || !price || !isAmount(price.total_price)) return undefined;
      return { cost_usd: price.total_price, cost_source: `${PRICE_LIST}@${list.version}` };
    } catch {
      // There is no list, or it refuses counts that contradict each other, such as more tokens cached than read.
      return undefined;
    }
  };
}

/**
 * What a call cost: what the provider says, or else what the optional package @pydantic/genai-prices computes; undefined
 * if neither knows. Never throws.
 *
 * The package's data, 0.5 MB of JavaScript, is loaded by the first call that needs it or by {@link loadPrices}, and
 * that takes 20 to 30 ms once; after that a call takes about 30 us.
 */
export const costOf: (call: PricedCall) => Cost | undefined = createCostOf(loadPrices);

let known: { readonly list: PriceList | undefined } | undefined;

/**
 * Loads the price list, once in a process; undefined where the package is not installed. Meant for whoever would
 * rather wait while it is set up than at the end of its first call. Never throws.
 */
export function loadPrices(): PriceList | undefined {
  known ??= { list: requirePrices() };
  return known.list;
}

/**
 * The package synchronously: an entry has to be logged before the host goes on, who may close the log next, and
 * evaluating the data blocks as long either way (`import()` took 26 to 47 ms).
 */
function requirePrices(): PriceList | undefined {
  try {
    const require = createRequire(import.meta.url);
    const { calcPrice: calculate } = require(PRICE_LIST) as { calcPrice: typeof calcPrice };
    return { calcPrice: calculate, version: versionAbove(require.resolve(PRICE_LIST)) };
  } catch {
    return undefined;
  }
}

/** The package does not export its package.json: it is the next one above the file that was loaded. */
function versionAbove(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, "package.json");
    if (existsSync(path)) return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
  }
  throw new Error(`no package.json above ${file}`);
}

function isAmount(value: number | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
