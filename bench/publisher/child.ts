/** One row, one round, in a process of its own: `node --expose-gc bench/publisher/child.ts '{"row": "ours", …}'`, over IPC. */
import { once } from "node:events";
import type { Stats } from "@indelible/publisher";
import { Unavailable, type Surroundings } from "./contender.ts";
import { conversations } from "./events.ts";
import { logInBursts, measureBusy, measureCalls, measureDelay, type Busy, type Calls } from "./measure.ts";
import { rows, type RowName } from "./rows.ts";
import type { SinkCount, SinkQuestion } from "./sink.ts";

export interface Task extends Surroundings {
  readonly row: RowName;
  readonly events: number;
  /** Under conditions: fewer events in each pass, and then so many that the queue overflows. */
  readonly overflows: boolean;
}

export interface Measured extends Busy, Calls {
  /** Events in bursts of 100 every 5 ms (20,000 a second), and of 10 (2,000 a second). */
  readonly delayMs: number;
  readonly gentleDelayMs: number;
  readonly sent: SinkCount;
  /** Peak of the whole life of the process. */
  readonly lifetimePeakRssMib: number;
  readonly stats?: Stats;
}

export type Report =
  | { readonly measured: Measured }
  | { readonly unavailable: string }
  | { readonly ask: SinkQuestion };

const task = JSON.parse(process.argv[2] ?? "") as Task;
// Whoever started it is gone.
process.on("disconnect", () => process.exit(0));

async function ask(question: SinkQuestion): Promise<SinkCount> {
  const answer = once(process, "message");
  process.send?.({ ask: question } satisfies Report);
  return (await answer)[0] as SinkCount;
}

async function measure(): Promise<Measured> {
  const events = conversations(task.events);
  const contender = await rows[task.row].open(task);
  const half = events.slice(0, events.length / 2);
  // Under a condition that lets nothing through, this is a twentieth of what the queue holds.
  await logInBursts(
    contender,
    task.overflows ? events.slice(0, events.length / 10) : events.slice(0, events.length / 4),
  );
  await contender.flush();
  await ask("reset");
  const busy = await measureBusy(contender, events);
  const sent = await ask("count");
  const calls = await measureCalls(contender, task.overflows ? half : events);
  const delayMs = await measureDelay(contender, task.overflows ? half : events, 100);
  const gentleDelayMs = await measureDelay(contender, events.slice(0, events.length / 10), 10);
  if (task.overflows) for (let round = 0; round < 3; round += 1) await logInBursts(contender, events);
  const stats = contender.stats?.();
  await contender.close();
  const lifetimePeakRssMib = process.resourceUsage().maxRSS / 1024;
  return {
    ...busy,
    ...calls,
    delayMs,
    gentleDelayMs,
    sent,
    lifetimePeakRssMib,
    ...(stats !== undefined && { stats }),
  };
}

async function report(): Promise<Report> {
  try {
    return { measured: await measure() };
  } catch (error) {
    if (error instanceof Unavailable) return { unavailable: error.message };
    throw error;
  }
}

const result = await report();
// Only once it is written: what a library left open must not keep this process.
process.send?.(result, undefined, undefined, () => process.disconnect());
