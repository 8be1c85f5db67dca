import type { Bundle } from "./bundle.ts";
import type { Names } from "./names.ts";
import type { Settings } from "./settings.ts";

/** What every part of the program is made from. */
export interface Stack {
  readonly settings: Settings;
  readonly names: Names;
  readonly bundles: Bundles;
}

export interface Bundles {
  readonly function: Bundle;
  readonly sealer: Bundle;
}
