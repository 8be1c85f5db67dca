import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Input } from "../../cli/emit/input.ts";
import { LineSplitter, MAX_LINE_BYTES, type RawLine } from "../../cli/emit/lines.ts";

interface Found {
  readonly number: number;
  readonly length: number;
  readonly text: string | undefined;
}

function split(chunks: Iterable<Buffer>, maxBytes: number): Found[] {
  const splitter = new LineSplitter(maxBytes);
  const found: Found[] = [];
  const keep = ({ number, length, bytes }: RawLine): number =>
    found.push({ number, length, text: bytes?.toString("latin1") });
  for (const chunk of chunks) splitter.push(chunk).forEach(keep);
  splitter.end().forEach(keep);
  return found;
}

describe("LineSplitter", () => {
  it("finds the same lines however the bytes are cut into chunks", () => {
    const bytes = fc.array(fc.constantFrom(0x0a, 0x0d, 0x00, 0x61, 0xff), { maxLength: 60 });
    fc.assert(
      fc.property(bytes, fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 60 }), (values, sizes) => {
        const all = Buffer.from(values);
        const chunks: Buffer[] = [];
        let start = 0;
        for (const size of sizes) chunks.push(all.subarray(start, (start += size)));
        chunks.push(all.subarray(start));
        const expected = all.toString("latin1").split("\n");
        if (expected.at(-1) === "") expected.pop();
        assert.deepEqual(
          split(chunks, 5),
          expected.map((line, index) => ({
            number: index + 1,
            length: line.length,
            text: line.length <= 5 ? line : undefined,
          })),
        );
      }),
    );
  });

  it("says how long a line of 20 MB was, does not hold it, and goes on with the next one", () => {
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    function* chunks(): Generator<Buffer> {
      const chunk = Buffer.alloc(50_000, "x");
      for (let index = 0; index < 400; index += 1) {
        yield chunk;
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
      yield Buffer.from("\nnext");
    }
    assert.deepEqual(split(chunks(), MAX_LINE_BYTES), [
      { number: 1, length: 20_000_000, text: undefined },
      { number: 2, length: 4, text: "next" },
    ]);
    assert.ok(most < 3 * MAX_LINE_BYTES, `${most} bytes were held`);
  });

  it("takes a line that comes byte by byte", () => {
    const line = "abcdefgh".repeat(10_000);
    const bytes = Array.from(line, (character) => Buffer.from(character));
    assert.deepEqual(split(bytes, MAX_LINE_BYTES), [{ number: 1, length: line.length, text: line }]);
  });
});

async function textOf(input: Input): Promise<string> {
  let text = "";
  for await (const chunk of input.chunks()) text += chunk.toString();
  return text;
}

describe("Input", () => {
  it("reads to the end", async () => {
    const input = new Input(Readable.from([Buffer.from("a"), Buffer.from("b")]), new AbortController().signal);
    assert.equal(await textOf(input), "ab");
    assert.ok(input.hasEnded);
  });

  it("after the signal reads what had been written before, and then stops", async () => {
    const stream = new PassThrough();
    const controller = new AbortController();
    const input = new Input(stream, controller.signal);
    const reading = textOf(input);
    stream.write("a");
    controller.abort();
    stream.write("last words");
    assert.equal(await reading, "alast words");
    assert.equal(input.hasEnded, false);
    assert.ok(stream.destroyed);
  });

  it("after the signal has ended when the writer ends", async () => {
    const stream = new PassThrough();
    const controller = new AbortController();
    controller.abort();
    const input = new Input(stream, controller.signal);
    stream.end("last words");
    assert.equal(await textOf(input), "last words");
    assert.ok(input.hasEnded);
  });

  it("after the signal does not follow a writer that never stops", async () => {
    const endless = new Readable({ read: () => endless.push(Buffer.alloc(10_000)) });
    const input = new Input(endless, AbortSignal.abort());
    assert.ok((await textOf(input)).length < 200_000);
    assert.equal(input.hasEnded, false);
  });

  it("passes on what reading throws", async () => {
    const broken = new Readable({ read: () => broken.destroy(new Error("EIO")) });
    await assert.rejects(textOf(new Input(broken, new AbortController().signal)), /EIO/);
  });
});
