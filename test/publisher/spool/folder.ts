import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A new folder, gone when the test has ended. */
export function temporaryFolder(context: Pick<TestContext, "after">): string {
  const folder = mkdtempSync(join(tmpdir(), "indelible-spool-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Every file below `folder`, as paths relative to it, sorted. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** The bytes of all segments, rejected events and damaged bytes below `folder`. */
export function bytesIn(folder: string): number {
  return filesIn(folder)
    .filter((path) => !/(?:^|\/)lock$/.test(path))
    .reduce((sum, path) => sum + statSync(join(folder, path)).size, 0);
}
