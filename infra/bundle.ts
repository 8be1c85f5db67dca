import { hash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { IndelibleError } from "@indelible/schemas/errors.ts";

/** A folder that is deployed. */
export interface Bundle {
  readonly folder: string;
  /** Of names and contents of its files, 64 hex digits: what is deployed again when it changes. */
  readonly sha256: string;
}

/** What is in a bundle, and nothing else: whatever lies in the folder is uploaded. */
export const bundleFiles: readonly string[] = [
  "THIRD-PARTY-LICENSES.txt",
  "index.js",
  "index.js.map",
  "package-lock.json",
  "package.json",
];

/** The bundle in a folder, as `npm run build` writes it. @throws ERR_CONFIG when there is none, or something else */
export function openBundle(folder: string): Bundle {
  const bundle = folder.split("/").slice(-2).join("/");
  if (!existsSync(folder)) throw refusal(`there is no ${bundle} to deploy`);
  const names = readdirSync(folder);
  const missing = bundleFiles.filter((name) => !names.includes(name));
  if (missing.length > 0) throw refusal(`${bundle} lacks ${missing.join(", ")}`);
  const strays = names.filter((name) => !bundleFiles.includes(name));
  if (strays.length > 0) throw refusal(`${bundle} has ${strays.join(", ")}, which would be deployed, too`);
  const contents = new Map(bundleFiles.map((name) => [name, readFileSync(`${folder}/${name}`)]));
  const lock = nameIn(contents.get("package-lock.json"));
  const manifest = nameIn(contents.get("package.json"));
  if (lock === undefined || lock !== manifest)
    throw refusal(`the lock file of ${bundle} is of ${lock ?? "nothing"}, not of ${manifest ?? "a package"}`);
  const parts = [...contents].map(([name, content]) => [name, hash("sha256", content)]);
  return { folder, sha256: hash("sha256", JSON.stringify(parts)) };
}

function nameIn(json: Buffer | undefined): string | undefined {
  try {
    const { name } = JSON.parse(String(json)) as { readonly name?: unknown };
    return typeof name === "string" ? name : undefined;
  } catch {
    return undefined;
  }
}

function refusal(what: string): IndelibleError {
  return new IndelibleError("ERR_CONFIG", what, { hint: "npm run build" });
}
