import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  prepare,
  type Compression,
  type PreparationSettings,
  type Prepared,
} from "@indelible/publisher/preparation.ts";

let lastId = 0;

function settings(options: Partial<PreparationSettings> = {}): PreparationSettings {
  return { id: (lastId += 1), redaction: {}, compression: "none", ...options };
}

function action(target: string, more: object = {}): string {
  const event = { action_id: "a", action_target: target, agent_position: "CFO", business_id: "acme" };
  return JSON.stringify({ ...event, ...more, started_at: "2026-01-01T00:00:00Z" });
}

function prepareLines(
  lines: readonly string[],
  options: Partial<PreparationSettings> = {},
  held: ReadonlyMap<number, string> = new Map(),
): Prepared {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""), "utf16le");
  return prepare({ table: "action_logs", bytes, isSpooled: false, held }, settings(options));
}

const decompress: { readonly [compression in Compression]: (data: Uint8Array) => Buffer } = {
  zstd: zstdDecompressSync,
  gzip: gunzipSync,
  none: Buffer.from,
};

for (const compression of ["zstd", "gzip", "none"] as const) {
  test(`prepare() - ${compression} gives the lines back, and says what it is`, () => {
    const lines = [action("é €"), action("x".repeat(500))];
    const { data, attributes, events } = prepareLines(lines, { compression });
    assert.equal(decompress[compression](data).toString(), lines.join("\n"));
    assert.deepEqual(attributes, { format: "ndjson", ...(compression === "none" ? {} : { encoding: compression }) });
    assert.equal(events, 2);
  });
}

test("prepare() - one event has neither format nor newline", () => {
  const { data, attributes } = prepareLines([action("only")]);
  assert.equal(Buffer.from(data).toString(), action("only"));
  assert.deepEqual(attributes, {});
});

test("prepare() - what does not become smaller is sent as it is", () => {
  const line = action(
    randomBytes(20_000)
      .toString("latin1")
      .replaceAll(/[^ -~]|["\\]/g, ""),
  );
  const { data, attributes } = prepareLines([line.slice(0, 120)], { compression: "zstd" });
  assert.equal(data.length, 120);
  assert.deepEqual(attributes, {});
});

test("prepare() - an invalid event is sent, and told of, with the first reason", () => {
  const { events, invalid } = prepareLines([
    action("a"),
    action("b", { duration_ms: -1 }),
    action("c", { nonsense: 1 }),
  ]);
  assert.equal(events, 3);
  assert.equal(invalid?.events, 2);
  assert.equal(invalid?.code, "ERR_INVALID_EVENT");
  assert.match(invalid?.message ?? "", /duration_ms/);
});

test("prepare() - a line that is held back is not in the message, and is given back as it was", () => {
  const lines = [action("a"), action("b"), action("c")];
  const { data, events, rejected } = prepareLines(lines, {}, new Map([[1, "does not end"]]));
  assert.equal(Buffer.from(data).toString(), `${lines[0]}\n${lines[2]}`);
  assert.equal(events, 2);
  assert.deepEqual(rejected, [{ code: "ERR_REDACTION", message: "does not end", event: lines[1] }]);
});

test("prepare() - when a pattern fails on an event, that event is held back and the others are sent", () => {
  // Each step of a group that captures takes stack, which a text of some MB exhausts.
  const pattern = /^(x|y)*z/;
  const lines = [action("a"), action("xy".repeat(4_000_000)), action("b")];
  const { events, rejected } = prepareLines(lines, { redaction: { patterns: [{ kind: "greedy", pattern }] } });
  assert.equal(events, 2);
  assert.deepEqual(
    rejected.map(({ code, event }) => [code, event]),
    [["ERR_REDACTION", lines[1]]],
  );
});

test("prepare() - redacts, and counts what it found by kind", () => {
  const secret = ["sk", "ant", "api03", "a".repeat(40)].join("-");
  const { data, findings } = prepareLines([action(`the key is ${secret}`), action("none")]);
  assert.ok(!Buffer.from(data).toString().includes(secret));
  assert.equal(
    Object.values(findings).reduce((sum, found) => sum + found, 0),
    1,
  );
});

test("prepare() - without redaction nothing is changed", () => {
  const line = action(["sk", "ant", "api03", "a".repeat(40)].join("-"));
  const { data } = prepareLines([line], { redaction: false });
  assert.equal(Buffer.from(data).toString(), line);
});
