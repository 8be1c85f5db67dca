import { randomUUID } from "node:crypto";
import { tablesRead } from "../audit/tables-read.ts";
import { WarehouseError, errorProto } from "../errors.ts";
import { logToStderr as log } from "../../log.ts";
import { isChange } from "../sql/change.ts";
import { checkJobName } from "./job-name.ts";
import type { Caller, RequestOrigin } from "../access/caller.ts";
import type { QueryRead, ReadRecorder } from "../audit/read-record.ts";
import type { TablesRead } from "../audit/tables-read.ts";
import type { TableRef } from "../sql/translate.ts";
import type { TableField } from "../table-schema.ts";
import type { Warehouse } from "../warehouse.ts";
import type { QueryEngine, QueryResult, Statement } from "./engine.ts";
import type { ChangeOutcome, TableChanges } from "./table-changes.ts";

/** One query, from its arrival until it is forgotten. Owner: `Jobs`. */
export type Job = {
  readonly projectId: string;
  readonly jobId: string;
  readonly location: string;
  readonly statement: Statement;
  readonly labels: Readonly<Record<string, string>>;
  readonly dryRun: boolean;
  /** Who asked for it, and from where. */
  readonly caller: Caller;
  readonly origin: RequestOrigin;
  readonly createdMs: number;
  /** Settles when the job is done, however it ended. */
  readonly done: Promise<void>;
  readonly abort: AbortController;
  /** BigQuery's word for what the statement does; none for what cannot be read, or not by who sent it. */
  statementType?: string;
  startedMs?: number;
  endedMs?: number;
  error?: unknown;
  fields?: readonly TableField[];
  result?: QueryResult;
  /** Of a statement that changes a table, in place of a result. */
  change?: ChangeOutcome;
  /** What it reads, as the catalog is when it begins to. */
  reads?: TablesRead;
};
export type JobRequest = {
  readonly statement: Statement;
  readonly jobId?: string | undefined;
  readonly location?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly dryRun: boolean;
  readonly caller: Caller;
  readonly origin: RequestOrigin;
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
 *
 * A job that has read anything is recorded, once, before it is done: also when nobody fetches its result, and when it failed. Without
 * a record there is no result.
 */
export class Jobs {
  readonly #engine: QueryEngine;
  readonly #warehouse: Pick<Warehouse, "catalog" | "now">;
  readonly #changes: TableChanges;
  readonly #recorder: ReadRecorder;
  readonly #jobs = new Map<string, Job>();

  constructor(
    engine: QueryEngine,
    changes: TableChanges,
    warehouse: Pick<Warehouse, "catalog" | "now">,
    recorder: ReadRecorder,
  ) {
    this.#engine = engine;
    this.#changes = changes;
    this.#warehouse = warehouse;
    this.#recorder = recorder;
  }

  /** Starts a statement. @throws {WarehouseError} duplicate, or invalid for a name that no job has */
  start({ jobId = `job_${randomUUID()}`, location = "US", deadlineMs, ...request }: JobRequest): Job {
    const { projectId } = request.statement;
    checkJobName({ projectId, jobId });
    const key = jobKey(projectId, jobId);
    if (this.#jobs.has(key))
      throw new WarehouseError("duplicate", `Already Exists: Job ${projectId}:${location}.${jobId}`);
    this.#forget();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const abort = new AbortController();
    const job: Job = { ...request, projectId, jobId, location, createdMs: this.#warehouse.now(), done, abort };
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
      if (isChange(statement.query)) {
        const change = this.#changes.read(statement, caller);
        job.statementType = change.statementType;
        job.change = await this.#changes.run(change, caller, dryRun, signal, deadlineMs, (named, destination) => {
          this.#begin(job, named);
          return this.#record(job, { destination });
        });
        return;
      }
      job.statementType = "SELECT";
      if (dryRun) job.fields = (await this.#engine.plan(statement, caller, signal, deadlineMs)).fields;
      else {
        const result = await this.#read(job, signal, deadlineMs);
        job.result = result;
        job.fields = result.fields;
      }
    } catch (error) {
      job.error = error;
    } finally {
      job.endedMs = this.#warehouse.now();
    }
  }

  async #read(job: Job, signal: AbortSignal, deadlineMs: number): Promise<QueryResult> {
    const resultId = jobKey(job.projectId, job.jobId);
    let result: QueryResult | undefined;
    let failure: string | undefined;
    try {
      result = await this.#engine.execute(job.statement, job.caller, resultId, signal, deadlineMs, (named) =>
        this.#begin(job, named),
      );
      return result;
    } catch (error) {
      failure = errorProto(error).message;
      throw error;
    } finally {
      await this.#record(job, { rows: result?.totalRows, failure }).catch((error: unknown) => {
        if (result !== undefined) this.#drop(result);
        throw error;
      });
    }
  }

  #begin(job: Job, named: readonly TableRef[]): void {
    job.reads = tablesRead(named, this.#warehouse.catalog);
    job.startedMs = this.#warehouse.now();
  }

  /** @throws {WarehouseError} backendError: then there is no result, and what the job failed of is not told, which may quote what was read. */
  async #record(job: Job, ended: Pick<QueryRead, "rows" | "failure" | "destination">): Promise<void> {
    const { reads, statement, caller, origin, createdMs, startedMs = createdMs } = job;
    if (reads === undefined || reads.tables.length + reads.views.length === 0) return;
    const { jobId, projectId, location, labels, statementType } = job;
    await this.#recorder.record(caller, origin, {
      ...reads,
      ...ended,
      kind: "query",
      jobId,
      projectId,
      location,
      labels,
      statementType,
      query: statement.query,
      createdMs,
      startMs: startedMs,
      endMs: this.#warehouse.now(),
    });
  }

  /** Drops what is old, before something new comes. */
  #forget(): void {
    const expiredMs = this.#warehouse.now() - RESULT_LIFETIME_MS;
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
    this.#drop(result);
  }

  #drop(result: QueryResult): void {
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
