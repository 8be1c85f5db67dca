import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { snapshotOf } from "@indelible/schemas/snapshot.ts";
import { faultsOf } from "@indelible/schemas/validity.ts";
import { draftOf, optional, sampleSnapshot, type Draft, type DraftTable } from "./evolution-cases.ts";

const before = sampleSnapshot();

type Fault = readonly [what: string, edit: (samples: DraftTable, draft: Draft) => void, says: RegExp];

const faults: readonly Fault[] = [
  [
    "a column with a name of BigQuery's",
    ({ columns }) => (columns["_CHANGE_TYPE"] = optional("string")),
    /^samples: "_CHANGE_TYPE" is no name of a column/,
  ],
  [
    "a column that differs by case alone",
    ({ columns }) => (columns["NOTE"] = optional("string")),
    /^samples: "NOTE" is no name of a column/,
  ],
  [
    "a column with too long a name",
    ({ columns }) => (columns["x".repeat(301)] = optional("string")),
    /is no name of a column: .* at most 300 characters/,
  ],
  [
    "a field in a list with a name of BigQuery's",
    ({ columns }) => (columns["steps"] = listOf("_x")),
    /^samples\.steps: "_x" is no name of a column/,
  ],
  [
    "a table whose name is in capitals",
    (samples, { tables }) => (tables["Further"] = structuredClone(samples)),
    /^"Further" is no name of a table/,
  ],
  [
    "a column with the name of a recorded one",
    ({ columns }) => (columns["entry"] = optional("string")),
    /^samples\.entry has the name of a system column/,
  ],
  [
    "a stamped column with the name of one that a table has",
    (_, { system }) => (system.stamped["colour"] = optional("string")),
    /^samples\.colour has the name of a system column/,
  ],
  [
    "a stamped column with the name of a recorded one",
    (_, { system }) => (system.stamped["message_id"] = optional("string")),
    /^every table has the system column message_id twice/,
  ],
  ["version 0", (samples) => (samples.version = 0), /^samples has version 0/],
  ["a version that is no whole number", (samples) => (samples.version = 1.5), /^samples has version 1\.5/],
  ["a retention of less than a day", (samples) => (samples.retentionDays = -1), /^samples keeps rows for -1 days/],
  [
    "clustering by what is not there",
    (samples) => (samples.clusterBy = ["constructor"]),
    /^samples is clustered by constructor, which it does not have/,
  ],
  [
    "clustering by five columns",
    (samples) => (samples.clusterBy = ["sample_id", "note", "owner", "cut", "id"]),
    /^samples is clustered by 5 columns: at most 4/,
  ],
  [
    "clustering by one column twice",
    (samples) => (samples.clusterBy = ["note", "note"]),
    /^samples is clustered by the same column twice/,
  ],
  ...(["float64", "json", "array", "struct"] as const).map((type): Fault => [
    `clustering by ${type}`,
    (samples) => {
      samples.columns["fresh"] = optional(type);
      samples.clusterBy = ["fresh"];
    },
    new RegExp(`^samples is clustered by fresh: BigQuery does not cluster by ${type}`),
  ]),
  [
    "an entity that is not there",
    (samples) => (samples.entity = "valueOf"),
    /^samples has valueOf as entity, which is no required column/,
  ],
  ["an entity that may be empty", (samples) => (samples.entity = "note"), /^samples has note as entity/],
  ["a time that is text", (samples) => (samples.occurredAt = "note"), /^samples goes by the time of note/],
  ["partitions by text", (samples) => (samples.partitionBy = "note"), /^samples goes by the time of note/],
];

function listOf(field: string): ReturnType<typeof optional> {
  return { ...optional("array"), items: { ...optional("struct"), fields: { [field]: optional("bool") } } };
}

describe("faultsOf()", () => {
  it("finds none in the declaration, nor in the sample of each kind", () => {
    assert.deepEqual(faultsOf(snapshotOf("next")), []);
    assert.deepEqual(faultsOf(before), []);
  });

  it("lets a table be clustered by each type that BigQuery clusters by, system columns too", () => {
    const draft = draftOf(before);
    const { samples } = draft.tables;
    assert.ok(samples);
    samples.clusterBy = ["sample_id", "sampled_at", "flag", "seq"];
    assert.deepEqual(faultsOf(draft), []);
  });

  it("takes log_id for an entity: an event need not have it, a row always has", () => {
    const draft = draftOf(before);
    const { samples } = draft.tables;
    assert.ok(samples);
    samples.entity = "log_id";
    assert.deepEqual(faultsOf(draft), []);
  });

  for (const [what, edit, says] of faults) {
    it(`finds ${what}`, () => {
      const draft = draftOf(before);
      const { samples } = draft.tables;
      assert.ok(samples);
      edit(samples, draft);
      const [fault, ...others] = faultsOf(draft);
      assert.match(fault ?? "", says);
      assert.deepEqual(others, []);
    });
  }
});
