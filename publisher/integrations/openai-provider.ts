import { field, textOf } from "./reading.ts";

/** Ends of host names, and the provider there by the price list's name. */
const providers: { readonly [host: string]: string } = {
  "api.openai.com": "openai",
  "openrouter.ai": "openrouter",
  "azure.com": "azure",
  "anthropic.com": "anthropic",
  "googleapis.com": "google",
  "amazonaws.com": "aws",
  "groq.com": "groq",
  "mistral.ai": "mistral",
  "deepseek.com": "deepseek",
  "x.ai": "x-ai",
  "together.ai": "together",
  "together.xyz": "together",
  "fireworks.ai": "fireworks",
  "perplexity.ai": "perplexity",
  "cerebras.ai": "cerebras",
  "moonshot.ai": "moonshotai",
  "cohere.com": "cohere",
  "cohere.ai": "cohere",
};

/**
 * Who serves the models of a client: by its base URL, a name of the price list where the host is known, otherwise the
 * host's own, for which there is no price.
 */
export function providerOf(client: object): string | undefined {
  // Azure behind a gateway of one's own: only its client class has versions.
  if (textOf(field(client, "apiVersion")) !== undefined) return "azure";
  const url = textOf(field(client, "baseURL"));
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  const end = Object.keys(providers).find((known) => hostname === known || hostname.endsWith(`.${known}`));
  return end === undefined ? hostname : providers[end];
}
