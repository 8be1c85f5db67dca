import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The path of a file or folder beside the checkout, which a clone need not have. Its `skip` is the option of node:test:
 * false, or the reason by name.
 */
export function shared(path: string): { path: string; skip: string | false } {
  const full = fileURLToPath(new URL(`../../shared/${path}`, import.meta.url));
  return { path: full, skip: existsSync(full) ? false : `../shared/${path} is not there` };
}
