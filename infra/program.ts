/** What `pulumi up` runs, from this folder. */
import { fileURLToPath } from "node:url";
import { runtime } from "@pulumi/pulumi";
import { openBundle, type Bundle } from "./bundle.ts";
import { deploy, type Deployed } from "./deployment.ts";
import { namesOf } from "./names.ts";
import { settingsOf } from "./settings.ts";

function bundle(name: string): Bundle {
  return openBundle(fileURLToPath(new URL(`../dist/${name}`, import.meta.url)));
}

export default function program(): Deployed {
  const settings = settingsOf(runtime.allConfig());
  return deploy({
    settings,
    names: namesOf(settings),
    bundles: { function: bundle("function"), sealer: bundle("sealer") },
  });
}
