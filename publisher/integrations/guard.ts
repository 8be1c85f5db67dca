import { IndelibleError } from "@indelible/schemas/errors.ts";

const WARNING_INTERVAL_MS = 60_000;

/** When each integration last warned; bounded by the number of integrations. */
const lastWarnedAt = new Map<string, number>();

/**
 * Does what an integration does beside its host's call. Whatever it throws stays here: the host's call must not fail,
 * and must not be told. It is told as a process warning instead, at most once a minute for each integration.
 *
 * @param integration its name, such as openai
 */
export function guard(integration: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    warnOf(integration, cause);
  }
}

/** Tells that an integration could not do its work. */
export function warnOf(integration: string, cause: unknown): void {
  const now = performance.now();
  const last = lastWarnedAt.get(integration);
  if (last !== undefined && now - last < WARNING_INTERVAL_MS) return;
  lastWarnedAt.set(integration, now);
  const detail = cause instanceof Error ? cause.message : String(cause);
  const error = new IndelibleError(
    "ERR_INTEGRATION",
    `the ${integration} integration could not log an event: ${detail}`,
    {
      cause,
    },
  );
  process.emitWarning(error.message, { type: "IndelibleWarning", code: error.code, detail: error.hint });
}
