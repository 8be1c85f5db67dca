import type { Names } from "./names.ts";
import type { Settings } from "./settings.ts";

/** What every part of the program is made from. */
export interface Stack {
  readonly settings: Settings;
  readonly names: Names;
  /** Folders with what is deployed, as `npm run build` writes them. */
  readonly bundles: Bundles;
}

export interface Bundles {
  readonly function: string;
  readonly sealer: string;
}
