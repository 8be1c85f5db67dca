import { RAW_DATASET } from "@indelible/schemas/names.ts";

/** The origin of a project's seal log, unless it is configured: what its checkpoints begin with and its keys are named. */
export function defaultOrigin(projectId: string, datasetId: string = RAW_DATASET): string {
  return `indelible/${projectId}/${datasetId}`;
}
