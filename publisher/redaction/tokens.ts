import { EDGE } from "./boundary.ts";
import type { Hint } from "./rule.ts";

/**
 * Secrets that say by their beginning what they are. `prefix` ends in `-`, `_` or `.`; `tail` is what must follow, at least
 * six characters of `[\w-]`. A prefix that nothing else begins with asks for a short tail only, so that a secret is known
 * even where a preview cut it off.
 */
export interface Token {
  readonly kind: string;
  readonly prefix: string;
  readonly tail: string;
}

// A tail of letters only may be a word: `sk-internationalization`.
const mixed = String.raw`(?=[a-z]{0,24}[A-Z0-9])`;

export const tokens: readonly Token[] = [
  { kind: "anthropic", prefix: "sk-ant-", tail: String.raw`[\w-]{6,}` },
  { kind: "openrouter", prefix: "sk-or-", tail: String.raw`[\w-]{6,}` },
  { kind: "langfuse", prefix: "sk-lf-", tail: String.raw`[\w-]{6,}` },
  { kind: "openai", prefix: "sk-(?:proj|svcacct|admin|service)-", tail: String.raw`[\w-]{6,}` },
  { kind: "openai", prefix: "sk-", tail: `(?:(?=[A-Za-z]{0,15}[0-9])[A-Za-z0-9]{10,}|[A-Za-z0-9]{32,})` },
  { kind: "openai", prefix: "sk-", tail: String.raw`[\w-]{8,120}T3BlbkFJ[\w-]*` },
  { kind: "langsmith", prefix: "lsv2_(?:pt|sk)_", tail: String.raw`[0-9a-f]{6,}_?[0-9a-f]*` },
  { kind: "langsmith", prefix: "ls__", tail: String.raw`[0-9a-f]{12,}` },
  { kind: "github", prefix: "gh[pousr]_", tail: String.raw`\w{8,}(?:\.[\w-]{4,}){0,2}` },
  { kind: "github", prefix: "github_pat_", tail: String.raw`\w{6,}` },
  {
    kind: "gitlab",
    prefix: "gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|oas|soat|ffct)-",
    tail: String.raw`[\w-]{8,}(?:\.[\w-]{4,}){0,2}`,
  },
  { kind: "slack", prefix: String.raw`xox[a-z](?:\.xox[a-z])?-`, tail: String.raw`[\w-]{6,}` },
  { kind: "slack", prefix: "xapp-", tail: String.raw`\d-[\w-]{6,}` },
  { kind: "stripe", prefix: "[sr]k_(?:live|test|prod)_", tail: `[A-Za-z0-9]{6,}` },
  { kind: "stripe", prefix: "whsec_", tail: `[A-Za-z0-9]{8,}[A-Za-z0-9+/=]*` },
  { kind: "sendgrid", prefix: String.raw`SG\.`, tail: String.raw`[\w-]{16,}(?:\.[\w-]*)?` },
  { kind: "huggingface", prefix: "hf_", tail: `${mixed}[A-Za-z0-9]{12,}` },
  { kind: "huggingface", prefix: "api_org_", tail: `${mixed}[A-Za-z0-9]{12,}` },
  { kind: "npm", prefix: "npm_", tail: `${mixed}[A-Za-z0-9]{12,}` },
  { kind: "pypi", prefix: "pypi-", tail: String.raw`Ag[\w-]{6,}` },
  { kind: "groq", prefix: "gsk_", tail: `[A-Za-z0-9]{8,}` },
  { kind: "xai", prefix: "xai-", tail: `${mixed}[A-Za-z0-9]{16,}` },
  { kind: "replicate", prefix: "r8_", tail: `[A-Za-z0-9]{10,}` },
  { kind: "perplexity", prefix: "pplx-", tail: `[A-Za-z0-9]{12,}` },
  { kind: "nvidia", prefix: "nvapi-", tail: String.raw`[\w-]{8,}` },
  { kind: "tavily", prefix: "tvly-", tail: String.raw`[\w-]{8,}` },
  { kind: "pinecone", prefix: "pcsk_", tail: String.raw`\w{8,}` },
  { kind: "digitalocean", prefix: "do[oprs]_v1_", tail: `[0-9a-f]{6,}` },
  { kind: "shopify", prefix: "shp(?:at|ca|pa|ss|tka)_", tail: `[0-9a-fA-F]{6,}` },
  { kind: "linear", prefix: "lin_(?:api|oauth)_", tail: `[A-Za-z0-9]{8,}` },
  { kind: "notion", prefix: "ntn_", tail: `[A-Za-z0-9]{12,}` },
  { kind: "supabase", prefix: "sb(?:p|_secret)_", tail: String.raw`\w{8,}` },
  { kind: "grafana", prefix: "gl(?:c|sa)_", tail: String.raw`[A-Za-z0-9]{8,}[\w+/=]*` },
  { kind: "postman", prefix: "PMAK-", tail: `[0-9a-f]{8,}[0-9a-f-]*` },
  { kind: "vault", prefix: String.raw`hv[sbr]\.`, tail: String.raw`[\w-]{16,}` },
  { kind: "google", prefix: String.raw`ya29\.`, tail: String.raw`[\w-]{8,}[\w.-]*` },
  { kind: "google", prefix: String.raw`AQ\.`, tail: String.raw`Ab[\w-]{12,}` },
  { kind: "google", prefix: "GOCSPX-", tail: String.raw`[\w-]{6,}` },
  { kind: "private-key", prefix: "AGE-SECRET-KEY-", tail: `1[0-9A-Z]{6,}` },
];

/** The prefix is looked for first and its boundary after it: searching goes by the literal, five times as fast. */
export function sourceOf({ prefix, tail }: Token): string {
  return `${prefix}(?<=${EDGE}${prefix})${tail}`;
}

/** What the prefilter looks for: by the last character of the prefixes, all that end in it. */
export function tokenHints(): Hint[] {
  const byLast = new Map<string, Set<string>>();
  for (const { prefix } of tokens) {
    const last = prefix.at(-1)!;
    byLast.set(last, (byLast.get(last) ?? new Set()).add(prefix));
  }
  return [...byLast].map(([last, prefixes]) => ({
    first: last === "." ? String.raw`\.` : last,
    rest: String.raw`(?<=${EDGE}(?:${[...prefixes].join("|")}))[\w-]{6}`,
  }));
}
