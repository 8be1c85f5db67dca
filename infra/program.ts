/** What `pulumi up` runs, from this folder. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runtime } from "@pulumi/pulumi";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { deploy, type Deployed } from "./deployment.ts";
import { namesOf } from "./names.ts";
import { settingsOf } from "./settings.ts";

/** The folder of a bundle. @throws ERR_CONFIG */
function bundle(name: string): string {
  const folder = fileURLToPath(new URL(`../dist/${name}`, import.meta.url));
  if (existsSync(`${folder}/package-lock.json`)) return folder;
  throw new IndelibleError("ERR_CONFIG", `there is no dist/${name} to deploy`, { hint: "npm run build" });
}

export default function program(): Deployed {
  const settings = settingsOf(runtime.allConfig());
  return deploy({
    settings,
    names: namesOf(settings),
    bundles: { function: bundle("function"), sealer: bundle("sealer") },
  });
}
