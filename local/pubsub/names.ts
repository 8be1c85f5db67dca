import { StatusError } from "./status.ts";

export type ResourceKind = "topics" | "subscriptions";

/** What `deleteTopic` leaves behind in its subscriptions, as in Google's API. */
export const DELETED_TOPIC = "_deleted-topic_";

const PROJECT = /^projects\/([A-Za-z0-9._:-]+)$/;
const RESOURCE_ID = /^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$/;

/**
 * Checks `projects/{project}/{kind}/{id}`; the ID has 3 to 255 characters, begins with a letter and not with `goog`.
 * @throws {StatusError} INVALID_ARGUMENT
 */
export function checkName(kind: ResourceKind, name: string | null | undefined): string {
  const [projects, project, collection, id, ...rest] = (name ?? "").split("/");
  const valid =
    rest.length === 0 &&
    collection === kind &&
    PROJECT.test(`${projects}/${project}`) &&
    id !== undefined &&
    RESOURCE_ID.test(id) &&
    !id.startsWith("goog");
  if (!valid) {
    throw new StatusError(
      "INVALID_ARGUMENT",
      `Invalid name ${JSON.stringify(name ?? "")}: expected projects/{project}/${kind}/{id}, the ID with 3 to 255 of ` +
        `letters, digits and -._~+%, beginning with a letter and not with "goog".`,
    );
  }
  return name as string;
}

/** Checks `projects/{project}`. @throws {StatusError} INVALID_ARGUMENT */
export function checkProject(name: string | null | undefined): string {
  if (!PROJECT.test(name ?? "")) {
    throw new StatusError(
      "INVALID_ARGUMENT",
      `Invalid project ${JSON.stringify(name ?? "")}: expected projects/{project}.`,
    );
  }
  return name as string;
}

/** The project and the last part of a name that `checkName` accepted. */
export function nameParts(name: string): { project: string; id: string } {
  const [, project = "", , id = ""] = name.split("/");
  return { project, id };
}
