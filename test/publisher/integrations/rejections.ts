import assert from "node:assert/strict";
import { after } from "node:test";

/** Fails the test file if a promise is rejected unhandled anywhere in it. */
export function expectNoUnhandledRejection(): void {
  const rejections: unknown[] = [];
  const note = (reason: unknown): number => rejections.push(reason);
  process.on("unhandledRejection", note);
  after(() => {
    process.off("unhandledRejection", note);
    assert.deepEqual(rejections, []);
  });
}

/** Resolves when what was begun up to now, unhandled rejections included, has been dealt with. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
