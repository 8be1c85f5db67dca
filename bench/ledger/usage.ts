import { readFileSync } from "node:fs";

/** What a piece of work took. CPU is in microseconds, memory in bytes. */
export interface Usage<T> {
  readonly result: T;
  readonly ms: number;
  /** Of this process, and of the other one. */
  readonly cpuMicros: number;
  readonly otherCpuMicros: number;
  /** The most memory (RSS) that this process had, looked at ten times a second. */
  readonly maxBytes: number;
}

/** @param otherPid a process that does a part of the work */
export async function measured<T>(otherPid: number, work: () => Promise<T>): Promise<Usage<T>> {
  let maxBytes = process.memoryUsage.rss();
  const timer = setInterval(() => (maxBytes = Math.max(maxBytes, process.memoryUsage.rss())), 100);
  const before = process.cpuUsage();
  const otherBefore = cpuMicrosOf(otherPid);
  const startedAt = performance.now();
  try {
    const result = await work();
    const { user, system } = process.cpuUsage(before);
    const otherCpuMicros = cpuMicrosOf(otherPid) - otherBefore;
    return { result, ms: performance.now() - startedAt, cpuMicros: user + system, otherCpuMicros, maxBytes };
  } finally {
    clearInterval(timer);
  }
}

/** Linux only: user and system time, in ticks of 10 ms. */
function cpuMicrosOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
