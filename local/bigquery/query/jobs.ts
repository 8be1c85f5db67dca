import { randomUUID } from "node:crypto";
import { WarehouseError } from "../errors.ts";
import { logToStderr as log } from "../../log.ts";
import { changeWord } from "../sql/change.ts";
import type { TableField } from "../table-schema.ts";
import type { Caller } from "../access/caller.ts";
import type { QueryEngine, QueryResult, Statement } from "./engine.ts";
import type { ChangeOutcome, TableChanges } from "./table-changes.ts";

/** One query, from its arrival until it is forgotten. Owner: `Jobs`. */
export type Job = {
  readonly projectId: string;
  readonly jobId: string;
  readonly location: string;
  readonly statement: Statement;
  /** Who started it. */
  readonly caller: Caller;
  readonly dryRun: boolean;
  readonly createdMs: number;
  /** Settles when the job is done, however it ended. */
  readonly done: Promise<void>;
  readonly abort: AbortController;
  endedMs?: number;
  error?: unknown;
  fields?: readonly TableField[];
  result?: QueryResult;
  /** Of a statement that changes a table, in place of a result. */
  change?: ChangeOutcome;
};
export type JobRequest = {
  readonly statement: Statement;
  readonly caller: Caller;
  readonly jobId?: string | undefined;
  readonly location?: string | undefined;
  readonly dryRun: boolean;
  readonly deadlineMs?: number | undefined;
};

const MAX_JOBS = 1000;
const MAX_RESULTS = 200;
const RESULT_LIFETIME_MS = 60 * 60_000;
const DEFAULT_DEADLINE_MS = 5 * 60_000;
const MAX_DEADLINE_MS = 60 * 60_000;

/**
 * The queries of the last while. It remembers 1,000 jobs and keeps the results of the newest 200 for an hour, in
 * DuckDB, which moves to disk what does not fit into memory. Restarting forgets all of them.
 */
export class Jobs {
  readonly #engine: QueryEngine;
  readonly #changes: TableChanges;
  readonly #jobs = new Map<string, Job>();

  constructor(engine: QueryEngine, changes: TableChanges) {
    this.#engine = engine;
    this.#changes = changes;
  }

  /** Starts a statement. @throws {WarehouseError} duplicate */
  start({ statement, caller, jobId = `job_${randomUUID()}`, location = "US", dryRun, deadlineMs }: JobRequest): Job {
    const { projectId } = statement;
    const key = jobKey(projectId, jobId);
    if (this.#jobs.has(key))
      throw new WarehouseError("duplicate", `Already Exists: Job ${projectId}:${location}.${jobId}`);
    this.#forget();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const abort = new AbortController();
    const job: Job = { projectId, jobId, location, statement, caller, dryRun, createdMs: Date.now(), done, abort };
    this.#jobs.set(key, job);
    const limitMs = Math.min(deadlineMs ?? DEFAULT_DEADLINE_MS, MAX_DEADLINE_MS);
    void this.#run(job, limitMs).then(resolve);
    return job;
  }

  /** @throws {WarehouseError} notFound */
  find(projectId: string, jobId: string): Job {
    const job = this.#jobs.get(jobKey(projectId, jobId));
    if (job === undefined) throw new WarehouseError("notFound", `Not found: Job ${projectId}:${jobId}`);
    return job;
  }

  /** The result of a job that is done. @throws the job's error, or notFound when the result has expired. */
  result(job: Job): QueryResult {
    if (job.error !== undefined) throw job.error;
    if (job.result !== undefined) return job.result;
    const message = `Not found: the results of job ${job.projectId}:${job.jobId} have expired; run the query again.`;
    throw new WarehouseError("notFound", message);
  }

  /** The newest first. */
  list(projectId: string): readonly Job[] {
    return [...this.#jobs.values()].filter((job) => job.projectId === projectId).toReversed();
  }

  /** Asks a job to stop. */
  cancel(job: Job): void {
    job.abort.abort(new WarehouseError("stopped", "Job execution was cancelled: User requested cancellation"));
  }

  /** Stops every job and waits until they have. */
  async close(): Promise<void> {
    const reason = new WarehouseError("backendError", "The warehouse is closing.");
    for (const job of this.#jobs.values()) job.abort.abort(reason);
    await Promise.all([...this.#jobs.values()].map((job) => job.done));
  }

  async #run(job: Job, deadlineMs: number): Promise<void> {
    const { statement, caller, dryRun } = job;
    const { signal } = job.abort;
    try {
      if (changeWord(statement.query) !== undefined)
        job.change = await this.#changes.run(statement, caller, dryRun, signal, deadlineMs);
      else if (dryRun) job.fields = (await this.#engine.plan(statement, caller, signal, deadlineMs)).fields;
      else {
        const key = jobKey(job.projectId, job.jobId);
        job.result = await this.#engine.execute(statement, caller, key, signal, deadlineMs);
        job.fields = job.result.fields;
      }
    } catch (error) {
      job.error = error;
    } finally {
      job.endedMs = Date.now();
    }
  }

  /** Drops what is old, before something new comes. */
  #forget(): void {
    const expiredMs = Date.now() - RESULT_LIFETIME_MS;
    const withResult = [...this.#jobs.values()].filter((job) => job.result !== undefined);
    const surplus = withResult.length - MAX_RESULTS + 1;
    withResult.forEach((job, index) => {
      if (index < surplus || job.createdMs < expiredMs) this.#dropResult(job);
    });
    for (const [key, job] of this.#jobs) {
      if (this.#jobs.size < MAX_JOBS) break;
      if (job.endedMs === undefined) continue;
      this.#dropResult(job);
      this.#jobs.delete(key);
    }
  }

  #dropResult(job: Job): void {
    const { result } = job;
    if (result === undefined) return;
    delete job.result;
    this.#engine.drop(result).catch((error: unknown) => {
      log("WARNING", "A query result could not be dropped.", {
        reason: error instanceof Error ? error.message : String(error),
      });
    });
  }
}

function jobKey(projectId: string, jobId: string): string {
  return `${projectId}:${jobId}`;
}
