import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { Complaints } from "../../cli/emit/complaints.ts";
import { Output } from "../../cli/emit/output.ts";
import { PublisherReports } from "../../cli/emit/publisher-reports.ts";
import { emitReportText, exitCodeOf, reportOf } from "../../cli/emit/report.ts";
import { Tally } from "../../cli/emit/tally.ts";

const notJson = new IndelibleError("ERR_NOT_JSON", "the line is not JSON");

describe("Complaints", () => {
  it("tell the first ten lines, then the hundredth and the thousandth, and each fix once", () => {
    const told: string[] = [];
    const complaints = new Complaints((text) => told.push(text));
    for (let number = 1; number <= 5000; number += 1) complaints.add(number, notJson);
    const lines = told.filter((text) => text.startsWith("line ")).map((text) => Number(/\d+/.exec(text)?.[0]));
    assert.deepEqual(lines, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100, 1000]);
    assert.equal(told.filter((text) => text.startsWith("fix: ")).length, 1);
  });

  it("show no control characters, and no message without end", () => {
    let told = "";
    new Complaints((text) => (told += text)).add(1, new IndelibleError("ERR_NOT_JSON", `\u{1b}[2J${"x".repeat(1e6)}`));
    assert.ok(!told.includes("\u{1b}"));
    assert.ok(told.length < 1000);
  });
});

describe("reportOf()", () => {
  it("puts each line into exactly one of acknowledged, spooled, outstanding and refused", () => {
    const tally = new Tally();
    tally.read = 10;
    tally.refuse(undefined, "ERR_NOT_JSON");
    tally.refuse("action_logs", "ERR_DUPLICATE_KEY");
    for (let event = 0; event < 8; event += 1) tally.take("action_logs");
    tally.refuseLater("action_logs", "ERR_MESSAGE_REFUSED", 3);
    const report = reportOf(tally, { acknowledged: 3, spooled: 1, outstanding: 1 }, false);
    assert.deepEqual(report, {
      read: 10,
      accepted: 5,
      acknowledged: 3,
      spooled: 1,
      refused: 5,
      outstanding: 1,
      interrupted: false,
      tables: [{ table: "action_logs", accepted: 5, refused: 4 }],
      refusals: { ERR_NOT_JSON: 1, ERR_DUPLICATE_KEY: 1, ERR_MESSAGE_REFUSED: 3 },
    });
    assert.match(emitReportText(report), /^10 lines: 3 acknowledged, 1 in the spool, 5 refused, 1 outstanding\n/);
  });
});

describe("exitCodeOf()", () => {
  const report = reportOf(new Tally(), { acknowledged: 0, spooled: 0, outstanding: 0 }, false);
  const cases = [
    ["nothing came in", {}, 0],
    ["everything is acknowledged or in the spool", { read: 2, acknowledged: 1, spooled: 1 }, 0],
    ["a line was refused", { refused: 1 }, 1],
    ["an event is outstanding", { outstanding: 1 }, 1],
    ["a signal came before the end of the input", { interrupted: true }, 130],
  ] as const;
  for (const [what, change, code] of cases) {
    it(`${code} when ${what}`, () => assert.equal(exitCodeOf({ ...report, ...change }), code));
  }
});

describe("PublisherReports", () => {
  const away = new IndelibleError("ERR_PUBLISH", "away");
  const waiting = { table: "action_logs", events: 5, refused: false } as const;

  it("tell once in 30 s that events wait", () => {
    const told: string[] = [];
    let now = 0;
    const reports = new PublisherReports({ tally: new Tally(), write: (text) => told.push(text), now: () => now });
    for (; now < 60_000; now += 1000) reports.add(away, waiting);
    assert.equal(told.length, 2);
  });

  it("count what the publisher refuses, but not what it gives up because it is closed", () => {
    const tally = new Tally();
    for (let event = 0; event < 7; event += 1) tally.take("action_logs");
    let told = "";
    const reports = new PublisherReports({ tally, write: (text) => (told += text), now: () => 0 });
    const refused = { table: "action_logs", events: 2, refused: true } as const;
    reports.add(new IndelibleError("ERR_MESSAGE_REFUSED", "no"), refused);
    reports.close();
    reports.add(new IndelibleError("ERR_DEADLINE", "closed"), { ...refused, events: 5 });
    assert.deepEqual(tally.byTable.get("action_logs"), { taken: 5, refused: 2 });
    assert.match(told, /2 events of action_logs refused/);
    assert.doesNotMatch(told, /ERR_DEADLINE/);
  });
});

describe("Output", () => {
  it("waits until the reader has taken the text", async () => {
    const written: string[] = [];
    let take = (): void => {};
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        written.push(String(chunk));
        take = done;
      },
    });
    let isDone = false;
    const writing = new Output(stream, () => {}).write("a\n").then(() => (isDone = true));
    await new Promise(setImmediate);
    assert.equal(isDone, false);
    take();
    await writing;
    assert.deepEqual(written, ["a\n"]);
  });

  it("goes on without a reader, and does not let the program end because of it", async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    stream.on("error", () => assert.fail("the program would end"));
    let broken = 0;
    const output = new Output(stream, () => (broken += 1));
    await output.write("a\n");
    await output.write("b\n");
    await output.write("c\n");
    assert.equal(broken, 1);
  });
});
