import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Casting, Stage } from "./plan.ts";

/** How a victim ended. */
export interface Death {
  /** The stage that it was in when it was killed; undefined: it ended by itself. */
  readonly killedIn: Stage | "start" | undefined;
  /** What is wrong with its end, if anything is. */
  readonly trouble: string | undefined;
}

const script = fileURLToPath(new URL("victim.ts", import.meta.url));

/** Longer than any deadline of a victim. One that lasts so long does not end at all. */
const HANGING_MS = 60_000;

/** Runs victims, and kills them when it is their time. */
export class Executioner {
  readonly #alive = new Map<ChildProcess, Promise<unknown>>();
  #isOver = false;

  /** Resolves when the process has ended. */
  async run({ victim, kill, startAfterMs }: Casting, env: NodeJS.ProcessEnv): Promise<Death> {
    if (startAfterMs > 0) await delay(startAfterMs);
    if (this.#isOver) return { killedIn: "start", trouble: undefined };
    const child = spawn(process.execPath, [script, JSON.stringify(victim)], {
      env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const ended = once(child, "close");
    this.#alive.set(child, ended);
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    // It may have died before it was told to end.
    child.stdin.on("error", () => {});
    let stage: Stage | "start" = "start";
    let killedIn: Death["killedIn"];
    const timers: NodeJS.Timeout[] = [];
    const killNow = (): void => {
      if (child.exitCode === null && child.kill("SIGKILL")) killedIn = stage;
    };
    const killIn = (ms: number): void => void timers.push(setTimeout(killNow, ms));
    let isHanging = false;
    timers.push(setTimeout(() => (isHanging = child.kill("SIGKILL")), HANGING_MS));
    if (kill !== undefined) killIn(kill.maxLifeMs);
    let left = kill?.occurrence;
    createInterface(child.stdout).on("line", (line) => {
      stage = line as Stage;
      if (kill?.stage !== line || left === undefined || (left -= 1) !== 0) return;
      if (kill.afterMs === 0) killNow();
      else killIn(kill.afterMs);
    });
    const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
    timers.forEach((timer) => clearTimeout(timer));
    this.#alive.delete(child);
    if (signal === "SIGKILL" && killedIn !== undefined) return { killedIn, trouble: undefined };
    const how = isHanging ? `it did not end within ${HANGING_MS / 1000} s` : `exit code ${code}, signal ${signal}`;
    const isFine = (code === 0 && !isHanging) || this.#isOver;
    return { killedIn: undefined, trouble: isFine ? undefined : `${victim.name}: ${how}\n${errors}` };
  }

  /** Ends what is left, and lets nothing begin. Resolves when all have ended. */
  async end(): Promise<void> {
    this.#isOver = true;
    for (const child of this.#alive.keys()) child.kill("SIGKILL");
    await Promise.all(this.#alive.values());
  }
}
