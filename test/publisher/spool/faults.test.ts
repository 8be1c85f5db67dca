/** Each call of the file system fails, or fails although it was carried out, once or from then on: what must hold all the same. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { newId } from "@indelible/publisher/identity.ts";
import { nodeFiles } from "@indelible/publisher/spool/files.ts";
import { readRecords } from "@indelible/publisher/spool/record.ts";
import { Spool, type Rejection, type Segment } from "@indelible/publisher/spool/spool.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { faultyFiles, type Call, type Fault, type FaultyFiles, type Mode } from "./faulty-files.ts";
import { bytesIn, filesIn, temporaryFolder } from "./folder.ts";
import { record, records } from "./records.ts";

const left = ["10", "11"];
const damagedLine = "damaged\n";

const rejection = (event: string): Rejection => ({
  table: "conversations",
  code: "ERR_TOO_LARGE",
  message: "m",
  event,
});

/** What a publisher was told about its events. */
class Account {
  /** Appended, in this segment, and not removed. */
  readonly kept = new Map<string, Segment>();
  readonly removed: string[] = [];
  readonly rejected: string[] = [];
  /** Their append or their keeping threw. */
  readonly refused: string[] = [];
  readonly given: Segment[] = [];
}

async function succeeds(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    assert.ok(IndelibleError.is(error), `threw what is not ours: ${String(error)}`);
    assert.ok(error.code === "ERR_SPOOL" && error.hint !== "" && error.cause !== undefined, error.message);
    return false;
  }
}

/** Everything that a spool does, in a directory in which a dead publisher has left a damaged segment. */
async function live(directory: string, { files }: FaultyFiles, checkBytes: boolean): Promise<Account> {
  const dead = join(directory, newId());
  mkdirSync(dead, { recursive: true, mode: 0o700 });
  writeFileSync(join(dead, "0000000001.thinking_logs.seg"), `${String(records(left))}${damagedLine}`, { mode: 0o600 });
  mkdirSync(join(directory, "quarantine"), { mode: 0o700 });
  writeFileSync(join(directory, "quarantine", "earlier.bytes"), "earlier", { mode: 0o600 });
  const leftBytes = records(left).length + damagedLine.length;
  const account = new Account();

  let spool: Spool;
  try {
    spool = Spool.open({ directory }, files);
  } catch (error) {
    assert.ok(IndelibleError.is(error) && error.code === "ERR_CONFIG" && error.hint !== "", String(error));
    return account;
  }
  const check = (): void => {
    if (!checkBytes) return;
    const unclaimed = account.given.length === 0 ? leftBytes : 0;
    assert.equal(spool.bytes, bytesIn(directory) - unclaimed);
  };
  const append = async (segment: Segment, events: readonly string[]): Promise<void> => {
    if (await succeeds(() => segment.append(records(events), events.length))) {
      for (const event of events) account.kept.set(event, segment);
    } else account.refused.push(...events);
    check();
  };
  const remove = async (segment: Segment, events: readonly string[]): Promise<void> => {
    // A second time, for what failed once may succeed then, and what was carried out must not fail then.
    if (!(await succeeds(() => segment.remove())) && !(await succeeds(() => segment.remove()))) return;
    for (const event of events) account.kept.delete(event);
    account.removed.push(...events);
    check();
  };

  const [one, two] = [spool.createSegment("conversations"), spool.createSegment("action_logs")];
  await append(one, ["0", "1"]);
  await append(two, ["2"]);
  await append(one, ["3", "4", "5"]);
  await append(one, ["6"]);
  for (const [event, keep] of [
    ["7", async () => spool.keepRejectedSync(rejection("7"))],
    ["8", async () => spool.keepRejected(rejection("8"))],
    ["9", async () => spool.keepRejected(rejection("9"))],
  ] as const) {
    account[(await succeeds(keep)) ? "rejected" : "refused"].push(event);
    check();
  }
  const adopted = await spool.adopt((error) => assert.equal(error.code, "ERR_SPOOL"));
  account.given.push(...adopted);
  check();
  for (const segment of adopted) {
    await succeeds(async () => {
      const read = readRecords(await segment.read());
      assert.deepEqual(read.events, left);
      if (await succeeds(() => spool.keepDamaged(segment, read.damaged))) await remove(segment, left);
      check();
    });
  }
  await remove(two, account.kept.get("2") === two ? ["2"] : []);
  spool.close();
  return account;
}

/** Holds what was promised, whatever failed. */
async function assertKept(directory: string, account: Account, mayBeTorn: boolean): Promise<void> {
  const spool = Spool.open({ directory });
  const segments = await spool.adopt((error) => assert.fail(error));
  const found: string[] = [];
  const damaged: string[] = [];
  for (const segment of segments) {
    const read = readRecords(await segment.read());
    assert.equal(segment.events, read.events.length);
    found.push(...read.events);
    damaged.push(...read.damaged.map(({ bytes }) => Buffer.from(bytes).toString()));
  }
  assert.equal(spool.bytes, bytesIn(directory));
  const expected = [...account.kept.keys(), ...(account.removed.includes("10") ? [] : left)];
  const surplus = mayBeTorn ? found.filter((event) => account.refused.includes(event)) : [];
  assert.deepEqual(found.sort(), [...expected, ...surplus].sort());

  const paths = filesIn(directory);
  const texts = new Map(paths.map((path) => [path, readFileSync(join(directory, path), "utf8")]));
  const lines = paths.filter((path) => path.startsWith("rejected/")).flatMap((path) => texts.get(path)!.split("\n"));
  const rejected = lines.flatMap((line) => (line.endsWith("}") ? [(JSON.parse(line) as { event: number }).event] : []));
  assert.deepEqual(
    rejected.map(String).filter((event) => !mayBeTorn || account.rejected.includes(event)),
    account.rejected,
  );
  const isQuarantined = paths.some((path) => path.endsWith(".bytes") && texts.get(path) === damagedLine);
  assert.ok(isQuarantined || damaged.includes(damagedLine));
  for (const path of paths) {
    assert.equal(statSync(join(directory, path)).mode & 0o777, 0o600, path);
    assert.equal(statSync(join(directory, dirname(path))).mode & 0o777, 0o700, path);
  }
  spool.close();
}

async function run(directory: string, faults: readonly Fault[]): Promise<FaultyFiles> {
  const faulty = faultyFiles(faults);
  const truncates = faults.some(({ call }) => call === "ftruncateSync");
  // What was removed although it was said to have failed counts until it is removed again; so does what cannot be looked at.
  const checkBytes = !faults.some(({ call, lasts }) => (call === "unlink" && lasts) || call === "fstatSync");
  try {
    const account = await live(directory, faulty, checkBytes);
    await assertKept(directory, account, truncates);
  } catch (error) {
    throw new Error(`with ${JSON.stringify(faults)}`, { cause: error });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return faulty;
}

function modesOf(call: Call): readonly Mode[] {
  if (call === "writeSync") return ["before", "after", "short", "half"];
  // A lock or a file that was not given is not held, and one that was closed with an error is closed.
  if (call === "lock" || call === "open" || call === "openSync") return ["before"];
  return call === "closeSync" || call === "reader.close" ? ["after"] : ["before", "after"];
}

test("faults - whichever call fails, nothing is lost, doubled or miscounted, and only errors of ours are thrown", async (context) => {
  const folder = temporaryFolder(context);
  const { calls } = await run(join(folder, "none"), []);
  // Truncating and looking at a size are for failures only, and fail in the next test.
  const unused = new Set(["ftruncateSync", "fstatSync"]);
  const used = [...Object.keys(nodeFiles), "reader.read", "reader.close"].filter((call) => !unused.has(call));
  assert.deepEqual([...calls.keys()].sort(), used.sort());
  let runs = 0;
  for (const [call, count] of calls) {
    for (const mode of modesOf(call)) {
      for (const code of call === "writeSync" ? ["ENOSPC", "EIO", "EROFS"] : ["EIO"]) {
        for (const lasts of [false, true]) {
          for (let index = 0; index < count; index += 1) {
            await run(join(folder, String((runs += 1))), [{ call, index, mode, code, lasts }]);
          }
        }
      }
    }
  }
  context.diagnostic(`${runs} runs`);
});

test("faults - a failed write that cannot be undone either costs no other append", async (context) => {
  const folder = temporaryFolder(context);
  const { calls } = await run(join(folder, "none"), []);
  let runs = 0;
  for (let index = 0; index < calls.get("writeSync")!; index += 1) {
    for (const mode of ["before", "after", "half"] as const) {
      for (const lasts of [false, true]) {
        const write: Fault = { call: "writeSync", index, mode, code: "ENOSPC", lasts };
        const truncate: Fault = { call: "ftruncateSync", index: 0, mode: "before", code: "EIO", lasts };
        await run(join(folder, String((runs += 1))), [write, truncate]);
        await run(join(folder, String((runs += 1))), [write, { ...truncate, mode: "after" }]);
        await run(join(folder, String((runs += 1))), [write, truncate, { ...truncate, call: "fstatSync" }]);
      }
    }
  }
});

test("append() - a segment whose end is torn takes no more, and its torn tail is damage", async (context) => {
  const { files } = faultyFiles([
    { call: "writeSync", index: 1, mode: "half", code: "ENOSPC", lasts: false },
    { call: "ftruncateSync", index: 0, mode: "before", code: "EIO", lasts: false },
  ]);
  const spool = Spool.open({ directory: temporaryFolder(context) }, files);
  const segment = spool.createSegment("conversations");
  segment.append(record('"kept"'), 1);
  assert.throws(() => segment.append(record('"torn"'), 1), { code: "ERR_SPOOL", message: /ENOSPC/ });
  assert.throws(() => segment.append(record('"late"'), 1), { code: "ERR_SPOOL", message: /torn/ });
  const { events, damaged } = readRecords(await segment.read());
  assert.deepEqual(events, ['"kept"']);
  assert.deepEqual(damaged, [{ offset: 16, bytes: record('"torn"').subarray(0, 8) }]);
  assert.equal(segment.events, 1);
  assert.equal(spool.bytes, 24);
  await segment.remove();
  assert.equal(spool.bytes, 0);
  spool.close();
});
