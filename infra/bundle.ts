import { hash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { IndelibleError } from "@indelible/schemas/errors.ts";

/** A folder that is deployed. */
export interface Bundle {
  readonly folder: string;
  /** Of names and contents of its files, 64 hex digits: what is deployed again when it changes. */
  readonly sha256: string;
}

/** The bundle in a folder, as `npm run build` writes it. @throws ERR_CONFIG when there is none */
export function openBundle(folder: string): Bundle {
  if (!existsSync(`${folder}/package-lock.json`)) {
    const name = folder.split("/").slice(-2).join("/");
    throw new IndelibleError("ERR_CONFIG", `there is no ${name} to deploy`, { hint: "npm run build" });
  }
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .toSorted();
  const parts = files.map((file) => [file.slice(folder.length + 1), hash("sha256", readFileSync(file))]);
  return { folder, sha256: hash("sha256", JSON.stringify(parts)) };
}
