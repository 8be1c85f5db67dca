import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { eventTables } from "@indelible/schemas/events.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Line } from "../explore/line.ts";
import { lineText } from "../explore/text.ts";
import { jsonText } from "../terminal/json-text.ts";
import { openWarehouse } from "../warehouse.ts";
import { Newcomers } from "./newcomers.ts";

export interface TailFlags {
  readonly follow?: true;
  readonly table: readonly TableName[];
  readonly agent?: string;
  readonly conversation?: string;
  readonly lines?: number;
  /** Microseconds since 1970. */
  readonly since?: number;
  /** Seconds. */
  readonly interval: number;
  readonly json?: true;
  readonly data: string;
}

const defaultLines = 20;
const firstBackoffMs = 500;
const maxBackoffMs = 10_000;
const interruptedExitCode = 130;

/** Prints what came, and with --follow what comes until it is interrupted. Resolves to the exit code. @throws ERR_QUERY, ERR_DEADLINE */
export async function runTail(flags: TailFlags): Promise<number> {
  const { follow = false, table, agent, conversation, since, lines, interval } = flags;
  const warehouse = await openWarehouse(flags.data);
  const scope = {
    tables: table.length > 0 ? table : eventTables,
    ...(agent !== undefined && { agent }),
    ...(conversation !== undefined && { conversation }),
  };
  const newcomers = new Newcomers(warehouse, scope, {
    onOverflow: () =>
      remark("More comes in than can be remembered: entries that become readable late may be left out."),
  });
  const asText = process.stdout.isTTY && flags.json !== true;
  async function print(some: readonly Line[]): Promise<void> {
    const text = some
      .map((line) => (asText ? `${lineText(line, process.stdout.columns)}\n` : jsonText(line, 0)))
      .join("");
    // Whoever reads slowly is waited for.
    if (!process.stdout.write(text)) await once(process.stdout, "drain");
  }

  if (follow) endAtOnceWhenInterrupted();
  let printed = 0;
  if (since === undefined) {
    const some = await newcomers.newest(lines ?? defaultLines, follow);
    printed += some.length;
    await print(some);
  } else {
    newcomers.startAt(since);
    for await (const some of newcomers.next()) {
      const wanted = lines === undefined ? some : some.slice(0, Math.max(0, lines - printed));
      printed += wanted.length;
      await print(wanted);
      if (!follow && lines !== undefined && printed >= lines) break;
    }
  }
  if (printed === 0 && asText) remark("Nothing yet.");
  if (!follow) return 0;

  for (let failures = 0; ;) {
    const pauseMs =
      failures === 0 ? interval * 1000 : Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(failures, 10));
    await delay(pauseMs);
    try {
      for await (const some of newcomers.next()) await print(some);
      if (failures > 0) remark("The warehouse answers again; nothing was left out.");
      failures = 0;
    } catch (error) {
      if (!IndelibleError.is(error) || !error.retryable) throw error;
      if (failures === 0) remark("The warehouse does not answer; trying again until it does.");
      failures += 1;
    }
  }
}

/**
 * Whatever is waited for then: the next look, an answer, or somebody who does not read our output. There is nothing to finish. Without --follow
 * the signal ends the process by itself.
 */
function endAtOnceWhenInterrupted(): void {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => process.exit(interruptedExitCode));
}

function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}
