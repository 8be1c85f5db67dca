import assert from "node:assert/strict";
import { readFileSync, statSync, symlinkSync, writeFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Spool, type Segment } from "@indelible/publisher/spool/spool.ts";
import { readRecords } from "@indelible/publisher/spool/record.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { bytesIn, filesIn, temporaryFolder } from "./folder.ts";
import { record, records } from "./records.ts";

const fail = (error: IndelibleError): never => assert.fail(error);

function left(spool: Spool, texts: readonly string[]): Segment {
  const segment = spool.createSegment("conversations");
  for (const text of texts) segment.append(record(text), 1);
  return segment;
}

test("append() - what was appended is in the file, and counted, when it returns", async (context) => {
  const spool = Spool.open({ directory: temporaryFolder(context) });
  const segment = spool.createSegment("thinking_logs");
  assert.deepEqual(
    filesIn(spool.directory).filter((path) => path.endsWith(".seg")),
    [],
  );
  segment.append(records(["{}", "[]"]), 2);
  segment.append(record("1"), 1);
  assert.deepEqual(readFileSync(segment.path), records(["{}", "[]", "1"]));
  assert.equal(segment.events, 3);
  assert.equal(segment.bytes, statSync(segment.path).size);
  assert.equal(spool.bytes, segment.bytes);
  assert.deepEqual(await segment.read(), records(["{}", "[]", "1"]));
  spool.close();
});

test("remove() - removes the file, and may be repeated", async (context) => {
  const spool = Spool.open({ directory: temporaryFolder(context) });
  const segment = left(spool, ["{}"]);
  await Promise.all([segment.remove(), segment.remove()]);
  await segment.remove();
  assert.equal(spool.bytes, 0);
  spool.close();
  assert.deepEqual(readdirSync(spool.directory), ["quarantine", "rejected"]);
});

test("adopt() - gives what a closed spool left, once, and removes the folder with its last segment", async (context) => {
  const directory = temporaryFolder(context);
  const first = Spool.open({ directory });
  left(first, ["1", "2"]);
  left(first, ["3"]);
  first.close();

  const second = Spool.open({ directory });
  const third = Spool.open({ directory });
  const segments = await second.adopt(fail);
  assert.deepEqual(await third.adopt(fail), []);
  assert.deepEqual(await second.adopt(fail), []);
  assert.deepEqual(await Promise.all(segments.map(async (segment) => readRecords(await segment.read()).events)), [
    ["1", "2"],
    ["3"],
  ]);
  assert.deepEqual(
    segments.map(({ events, table }) => [events, table]),
    [
      [2, "conversations"],
      [1, "conversations"],
    ],
  );
  assert.equal(second.bytes, bytesIn(directory));
  for (const segment of segments) await segment.remove();
  assert.equal(second.bytes, 0);
  second.close();
  third.close();
  assert.deepEqual(readdirSync(directory), ["quarantine", "rejected"]);
});

test("adopt() - what an adopter did not remove is the next one's", async (context) => {
  const directory = temporaryFolder(context);
  const first = Spool.open({ directory });
  left(first, ["1"]);
  left(first, ["2"]);
  first.close();
  const second = Spool.open({ directory });
  const [one] = await second.adopt(fail);
  await one!.remove();
  second.close();
  const third = Spool.open({ directory });
  assert.deepEqual(
    (await third.adopt(fail)).map(({ name }) => name),
    ["0000000002.conversations.seg"],
  );
  third.close();
});

test("adopt() - leaves alone what it does not know, and says so once", async (context) => {
  const directory = temporaryFolder(context);
  const first = Spool.open({ directory });
  const known = left(first, ["1"]);
  const folder = join(known.path, "..");
  writeFileSync(join(folder, "0000000002.dream_logs.seg"), record("2"));
  writeFileSync(join(folder, "notes.txt"), "x");
  mkdirSync(join(folder, "0000000003.conversations.seg"));
  symlinkSync(known.path, join(folder, "0000000004.conversations.seg"));
  writeFileSync(join(directory, "README"), "x");
  first.close();
  const before = filesIn(directory);

  const second = Spool.open({ directory });
  const problems: string[] = [];
  const onProblem = (error: IndelibleError): void => {
    assert.equal(error.code, "ERR_SPOOL");
    problems.push(error.message);
  };
  const segments = await second.adopt(onProblem);
  assert.equal(segments.length, 1);
  assert.equal(problems.length, 5);
  await segments[0]!.remove();
  assert.deepEqual(await second.adopt(onProblem), []);
  assert.equal(problems.length, 5);
  second.close();
  assert.deepEqual(
    filesIn(directory),
    before.filter((path) => !known.path.endsWith(path)),
  );
});

test("open() - refuses what it cannot use, with a hint", (context) => {
  const directory = temporaryFolder(context);
  const file = join(directory, "file");
  writeFileSync(file, "");
  for (const options of [
    { directory: "" },
    { directory: "a\0b" },
    { directory: file },
    { directory: join(file, "below") },
    { directory: "/proc/none" },
    { directory, maxBytes: 0 },
    { directory, maxBytes: 1.5 },
    { directory, maxBytes: Number.NaN },
  ]) {
    assert.throws(
      () => Spool.open(options),
      (error) => IndelibleError.is(error) && error.code === "ERR_CONFIG" && error.hint !== "",
      JSON.stringify(options),
    );
  }
});

test("append() - beyond maxBytes it is refused and nothing is written, until room is made", async (context) => {
  const spool = Spool.open({ directory: temporaryFolder(context), maxBytes: 25 });
  const first = left(spool, ["{}"]);
  assert.equal(spool.hasRoomFor(13), true);
  assert.equal(spool.hasRoomFor(14), false);
  const second = left(spool, ["{}"]);
  assert.throws(() => second.append(record(""), 1), { code: "ERR_QUEUE_FULL" });
  assert.equal(bytesIn(spool.directory), 24);
  await first.remove();
  second.append(record("{}"), 1);
  assert.equal(second.events, 2);
  spool.close();
});
