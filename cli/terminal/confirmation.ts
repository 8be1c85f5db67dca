import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { IndelibleError } from "@indelible/schemas/errors.ts";

/**
 * Asks whoever sits at the terminal a question to be answered with y; anything else is no.
 *
 * @throws ERR_UNCONFIRMED when there is no terminal; AbortError when `signal` is aborted
 */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) throw new IndelibleError("ERR_UNCONFIRMED", `there is no terminal to ask on: ${question}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // The terminal is raw meanwhile: Ctrl-C comes as a key and not as a signal.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const closed = once(terminal, "close").then(() => "");
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `, { signal }), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
