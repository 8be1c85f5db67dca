import { join } from "node:path";
import type { PublisherOptions } from "@indelible/publisher";
import { Unavailable, type Contender, type Surroundings } from "./contender.ts";

/** Options of a publisher that can keep what waits in files. */
interface SpoolingOptions extends PublisherOptions {
  readonly spool?: { readonly directory: string; readonly maxBytes?: number };
}

export async function openOurs({ folder, flushDeadlineMs }: Surroundings, spools: boolean): Promise<Contender> {
  const { createPublisher } = await import("@indelible/publisher");
  const options: SpoolingOptions = {
    businessId: "acme",
    agentPosition: "CFO",
    projectId: "bench",
    // Broken brokers are part of the benchmark; what is refused and what waits is in the counts.
    onError: () => {},
    ...(spools && { spool: { directory: join(folder, "spool") } }),
  };
  const log = createPublisher(options);
  if (spools && !("spooled" in log.stats())) {
    await log.close({ deadlineMs: 1 });
    throw new Unavailable("this publisher has no spool: its stats() lack `spooled`");
  }
  return {
    log: (event) => void log.conversation(event),
    flush: async () => void (await log.flush({ deadlineMs: flushDeadlineMs })),
    close: async () => void (await log.close({ deadlineMs: 100 })),
    stats: () => log.stats(),
  };
}
