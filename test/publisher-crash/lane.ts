import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Random } from "../../local/random.ts";
import type { Figures } from "../chaos/figures.ts";
import { linesOf, type Report } from "./journal.ts";
import type { Account, Ledger } from "./ledger.ts";
import type { Casting, Planner } from "./plan.ts";
import { damage, damageOf, readSegment, segmentsIn, type Damage, type SegmentFile } from "./segments.ts";
import type { Executioner } from "./victim-process.ts";

export interface LaneParts {
  readonly directory: string;
  readonly planner: Planner;
  readonly executioner: Executioner;
  /** Of the processes. */
  readonly env: NodeJS.ProcessEnv;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly figures: Figures;
  /** Told of each process that was killed. */
  readonly onKill: () => void;
}

const RECOVERY_KILL_RATE = 0.4;
const DAMAGE_RATE = 0.6;
const MAX_LAST_RECOVERIES = 5;

/** One spool, in which one lot of processes after the other logs, is killed, and adopts what was left. */
export class Lane {
  readonly #parts: LaneParts;
  /** Damaged segments that are still there, by path. */
  readonly #damaged = new Map<string, Damage>();
  /** Segments that are known to be whole, with their sizes. */
  readonly #whole = new Map<string, number>();

  constructor(parts: LaneParts) {
    this.#parts = parts;
    mkdirSync(parts.directory, { mode: 0o700 });
  }

  /** Kills some, damages what they left, and lets another one come. */
  async round(): Promise<void> {
    const { planner, random, figures, directory } = this.#parts;
    await this.#run(planner.crash());
    if (random() < DAMAGE_RATE) this.#doDamage();
    figures.add("recoveries");
    const recovery = planner.recovery(RECOVERY_KILL_RATE, "successor");
    if (recovery.kill !== undefined) figures.add("recoveries that were to be killed in their turn");
    await this.#run([recovery]);
    if (segmentsIn(directory).length === 0) figures.add("recoveries after which nothing was left");
  }

  /** Lets somebody come who is not killed, until nothing is left to send. */
  async finish(): Promise<void> {
    const { planner, directory } = this.#parts;
    for (let tries = 0; tries < MAX_LAST_RECOVERIES; tries += 1) {
      await this.#run([planner.recovery(0, "last")]);
      if (segmentsIn(directory).length === 0) return;
    }
  }

  async #run(castings: readonly Casting[]): Promise<void> {
    const { executioner, env, figures, ledger, directory, onKill } = this.#parts;
    const reports: Report[] = [];
    const bury = async (casting: Casting): Promise<void> => {
      const { killedIn, trouble } = await executioner.run(casting, env);
      if (trouble !== undefined) ledger.troubles.push(trouble);
      const account = this.#takeJournal(casting.victim.journal);
      reports.push(...(account?.reports ?? []));
      figures.add("processes");
      if (killedIn === undefined) figures.add("processes that ended by themselves");
      else {
        figures.add("kills");
        figures.add(`kills after ${killedIn}`);
        if (account?.hasLogged === true) figures.add("kills of processes that had begun to log");
        onKill();
      }
    };
    await Promise.all(castings.map(bury));
    if (castings.length > 1) figures.add("times that several shared the spool");
    this.#settleDamage(reports);
    for (const segment of segmentsIn(directory)) this.#inspect(segment);
  }

  #takeJournal(path: string): Account | undefined {
    const { ledger, figures } = this.#parts;
    // Killed before it had opened it.
    if (!existsSync(path)) return undefined;
    const account = ledger.take(linesOf(readFileSync(path, "utf8")));
    const { totals, reports } = account;
    rmSync(path);
    figures.add("events acknowledged, as far as the victims could tell", totals.acknowledged);
    figures.add("events adopted, as far as the victims could tell", totals.adopted);
    if (totals.adopted > 0) figures.add("processes that adopted events");
    for (const { code } of reports) figures.add(`reports ${code}`);
    return account;
  }

  /** Who has removed a damaged segment must have told of it: the first report of a table is never held back. */
  #settleDamage(reports: readonly Report[]): void {
    for (const [path, damaged] of this.#damaged) {
      if (existsSync(path)) continue;
      this.#damaged.delete(path);
      const isTold = reports.some(({ code, table }) => code === "ERR_SPOOL_DAMAGED" && table === damaged.table);
      if (!isTold) this.#parts.ledger.unreported.push(damaged);
    }
  }

  /** Takes note of ends that a kill has torn off. */
  #inspect(segment: SegmentFile): void {
    if (this.#damaged.has(segment.path) || this.#whole.get(segment.path) === segment.bytes) return;
    const content = readSegment(readFileSync(segment.path));
    if (content.damaged.length === 0) this.#whole.set(segment.path, segment.bytes);
    else this.#addDamage(damageOf("torn by a kill", segment, content, content));
  }

  #doDamage(): void {
    const { directory, random } = this.#parts;
    const whole = segmentsIn(directory).filter(({ path, bytes }) => bytes > 0 && this.#whole.has(path));
    const victim = whole[Math.floor(random() * whole.length)];
    if (victim === undefined) return;
    const before = readFileSync(victim.path);
    const { kind, bytes } = damage(before, random);
    const damaged = damageOf(kind, victim, readSegment(before), readSegment(bytes));
    writeFileSync(victim.path, bytes);
    this.#whole.delete(victim.path);
    this.#addDamage(damaged);
  }

  #addDamage(damaged: Damage): void {
    const { ledger, figures } = this.#parts;
    ledger.damages.push(damaged);
    this.#damaged.set(damaged.path, damaged);
    figures.add(`segments ${damaged.kind}`);
    figures.add("events touched by damage", damaged.touched.length);
  }
}
