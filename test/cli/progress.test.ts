import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, it, mock } from "node:test";
import { createProgress } from "../../cli/terminal/progress.ts";

function stream(isTTY: boolean): { readonly written: () => string; readonly stream: NodeJS.WriteStream } {
  let text = "";
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const terminal = { isTTY, columns: 80, cursorTo() {}, moveCursor() {}, clearLine() {}, clearScreenDown() {} };
  return {
    written: () => stripVTControlCharacters(text),
    stream: Object.assign(sink, terminal) as unknown as NodeJS.WriteStream,
  };
}

describe("createProgress()", () => {
  it("draws a bar on a terminal, and takes it away at the end", () => {
    const { stream: terminal, written } = stream(true);
    const progress = createProgress("verifying", terminal);
    progress.update(1_500, 3_000);
    assert.match(written(), /verifying █+░+ 1,500\/3,000/);
    progress.stop();
    progress.stop();
  });

  it("counts without a bar where the end is not known", () => {
    const { stream: terminal, written } = stream(true);
    const progress = createProgress("sealing rows", terminal);
    progress.update(1_500, undefined);
    assert.match(written(), /sealing rows 1,500/);
    progress.stop();
  });

  it("writes a line every two seconds where there is no terminal", (t) => {
    let now = 0;
    t.after(() => mock.restoreAll());
    mock.method(performance, "now", () => now);
    const { stream: pipe, written } = stream(false);
    const progress = createProgress("verifying", pipe);
    for (now = 0; now <= 5_000; now += 100) progress.update(now, 6_000);
    progress.stop();
    assert.equal(written(), "verifying 2,000/6,000\nverifying 4,000/6,000\n");
  });
});
