import { WarehouseError } from "../errors.ts";

type JobReference = { readonly projectId: string; readonly jobId: string };

/** As long as a job's name may be in the access audit, whose records hold it. */
const MAX_NAME_LENGTH = 1024;

/** The full name of a job. */
export function jobName({ projectId, jobId }: JobReference): string {
  return `projects/${projectId}/jobs/${jobId}`;
}

/** Refuses a job that BigQuery does not take by its name. @throws {WarehouseError} invalid */
export function checkJobName(reference: JobReference): void {
  if (/^[\w-]+$/.test(reference.jobId) && jobName(reference).length <= MAX_NAME_LENGTH) return;
  throw new WarehouseError(
    "invalid",
    `Invalid job ID: letters, digits, _ and -, of which projects/PROJECT/jobs/ID has at most ${MAX_NAME_LENGTH}.`,
  );
}
