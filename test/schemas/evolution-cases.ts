import type { RuleName } from "@indelible/schemas/evolution-rules.ts";
import { snapshotOf, type ColumnSnapshot, type Snapshot } from "@indelible/schemas/snapshot.ts";

type Editable<T> = T extends readonly (infer E)[]
  ? Editable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Editable<T[K]> }
    : T;

export type Draft = Editable<Snapshot>;
export type DraftTable = Editable<Snapshot["tables"][string]>;
export type DraftColumns = { [name: string]: Editable<ColumnSnapshot> };

/** A copy that may be changed. */
export function draftOf(snapshot: Snapshot): Draft {
  return JSON.parse(JSON.stringify(snapshot)) as Draft;
}

const column = (type: ColumnSnapshot["type"], more: Partial<ColumnSnapshot> = {}): Editable<ColumnSnapshot> =>
  ({ type, required: false, description: "A sample.", ...more }) as Editable<ColumnSnapshot>;

/** A new column that may be empty. */
export const optional = (type: ColumnSnapshot["type"]): Editable<ColumnSnapshot> => column(type, limits[type]);

const limits: { readonly [type in ColumnSnapshot["type"]]: Partial<ColumnSnapshot> } = {
  string: { maxLength: 100 },
  timestamp: {},
  int64: { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  float64: {},
  bool: {},
  json: {},
  array: { items: column("string", { maxLength: 100 }) },
  struct: { fields: { must: column("string", { required: true, maxLength: 100 }) } },
};

/** The declaration, and a table with a column of each kind. */
export function sampleSnapshot(): Snapshot {
  const draft = draftOf(snapshotOf("1.0.0"));
  draft.tables["samples"] = {
    version: 3,
    kind: "log",
    description: "Samples.",
    entity: "sample_id",
    occurredAt: "sampled_at",
    partitionBy: "ingested_at",
    clusterBy: ["sample_id"],
    retentionDays: 731,
    columns: {
      sample_id: column("string", { required: true, maxLength: 256 }),
      sampled_at: column("timestamp", { required: true }),
      colour: column("string", { enum: ["red", "green"], maxLength: 64 }),
      note: column("string", { maxLength: 100 }),
      owner: column("string", { required: true, maxLength: 100 }),
      cut: column("string", { maxLength: 50, preview: true }),
      id: column("string", { maxLength: 36, format: "uuid" }),
      count: column("int64", { minimum: 0, maximum: 10 }),
      ratio: column("float64", { minimum: 0 }),
      flag: column("bool"),
      doc: column("json"),
      tags: column("array", { items: column("string", { maxLength: 10, enum: ["a", "b"] }) }),
      steps: column("array", {
        items: column("struct", {
          fields: { name: column("string", { maxLength: 10 }), score: column("float64"), at: column("timestamp") },
        }),
      }),
      inner: column("struct", { fields: { left: column("int64", { minimum: 0, maximum: 5 }) } }),
    },
  };
  draft.views["samples"] = Object.keys(draft.tables["samples"].columns);
  draft.views["samples_history"] = [...draft.views["samples"], "conflict"];
  draft.topics.push("agent-logs.samples");
  return draft;
}

export interface Case {
  readonly rule: RuleName;
  /** What is done, as the end of a sentence. */
  readonly title: string;
  /** Where it is found. Default: at the table `samples` itself. */
  readonly column?: string;
  readonly edit: (draft: Draft) => void;
  /** Default: `samples`. */
  readonly table?: string;
  /** Of what stands beside the tables. */
  readonly noTable?: true;
}

const samples = (draft: Draft): DraftTable => draft.tables["samples"] as DraftTable;
const at = (columns: DraftColumns | undefined, name: string): Editable<ColumnSnapshot> =>
  (columns as DraftColumns)[name] as Editable<ColumnSnapshot>;

/** A case that changes the columns of `samples` and raises its version, as is due. */
function ofColumns(rule: RuleName, column: string, title: string, edit: (columns: DraftColumns) => void): Case {
  return {
    rule,
    title,
    column,
    edit: (draft) => {
      samples(draft).version += 1;
      edit(samples(draft).columns);
    },
  };
}

function ofColumn(
  rule: RuleName,
  name: string,
  title: string,
  edit: (column: Editable<ColumnSnapshot>) => void,
  path: string = name,
): Case {
  return ofColumns(rule, path, title, (columns) => edit(at(columns, name)));
}

const steps = (columns: DraftColumns): DraftColumns => at(columns, "steps").items?.fields as DraftColumns;

export const allowedCases: readonly Case[] = [
  ...(["string", "timestamp", "int64", "float64", "bool", "json", "array", "struct"] as const).map((type) =>
    ofColumns("column added", "fresh", `an optional column of type ${type}`, (columns) => {
      columns["fresh"] = optional(type);
    }),
  ),
  ofColumns("field added to a struct", "steps[].more", "a field in a struct of an array", (columns) => {
    steps(columns)["more"] = optional("float64");
  }),
  ofColumns("field added to a struct", "inner.more", "a struct in a struct", (columns) => {
    const { fields } = at(columns, "inner");
    if (fields !== undefined) fields["more"] = { ...optional("struct"), fields: { left: optional("int64") } };
  }),
  ofColumn("column made optional", "owner", "a required column that may be empty", (owner) => (owner.required = false)),
  ofColumn("enum widened", "colour", "a further value in a closed set", ({ enum: values }) => values?.push("blue")),
  ofColumn(
    "enum widened",
    "tags",
    "a further value in a closed set of an array",
    ({ items }) => items?.enum?.push("c"),
    "tags[]",
  ),
  ofColumn("enum opened", "colour", "a closed set that becomes free", (colour) => delete colour.enum),
  ofColumn("length raised", "note", "a longer text", (note) => (note.maxLength = 200)),
  ofColumns("length raised", "steps[].name", "a longer text in a struct of an array", (columns) => {
    at(steps(columns), "name").maxLength = 20;
  }),
  ofColumn("range widened", "count", "a higher maximum", (count) => (count.maximum = 20)),
  ofColumn("range widened", "count", "a lower minimum", (count) => (count.minimum = -5)),
  ofColumn("range widened", "ratio", "no minimum any more", (ratio) => delete ratio.minimum),
  ofColumn("format dropped", "id", "a text that need not be a UUID", (id) => delete id.format),
  ofColumn("preview added", "note", "a text that publishers cut", (note) => (note.preview = true)),
  {
    rule: "description changed",
    title: "another description of a column",
    column: "note",
    edit: (draft) => (at(samples(draft).columns, "note").description = "Another."),
  },
  {
    rule: "description changed",
    title: "another description of a table",
    edit: (draft) => (samples(draft).description = "Another."),
  },
  {
    rule: "order changed",
    title: "columns in another order",
    edit: (draft) => (samples(draft).columns = reversed(samples(draft).columns)),
  },
  {
    rule: "order changed",
    title: "fields in another order",
    column: "steps[]",
    edit: (draft) => {
      const { items } = at(samples(draft).columns, "steps");
      if (items?.fields !== undefined) items.fields = reversed(items.fields);
    },
  },
  {
    rule: "order changed",
    title: "values in another order",
    column: "colour",
    edit: (draft) => (at(samples(draft).columns, "colour").enum = ["green", "red"]),
  },
  { rule: "clustering changed", title: "another clustering", edit: (draft) => (samples(draft).clusterBy = ["owner"]) },
  {
    rule: "retention lengthened",
    title: "a longer retention",
    edit: (draft) => (samples(draft).retentionDays = 1000),
  },
  { rule: "version raised", title: "a higher version alone", edit: (draft) => (samples(draft).version += 5) },
  {
    rule: "table added",
    title: "a new table",
    table: "further",
    edit: (draft) => (draft.tables["further"] = structuredClone(samples(draft))),
  },
  {
    rule: "view added",
    title: "a new view",
    noTable: true,
    edit: ({ views }) => (views["further"] = ["any"]),
  },
  {
    rule: "view column added",
    title: "a further column of several views",
    noTable: true,
    edit: ({ views }) => {
      views["samples"]?.push("fresh");
      views["samples_history"]?.push("fresh");
    },
  },
  { rule: "topic added", title: "a new topic", noTable: true, edit: ({ topics }) => topics.push("agent-logs.further") },
];

export const refusedCases: readonly Case[] = [
  { rule: "table removed", title: "a table that is gone", edit: ({ tables }) => delete tables["samples"] },
  ofColumns("column removed", "note", "a column that is gone", (columns) => delete columns["note"]),
  ofColumns("column removed", "steps[].score", "a field that is gone", (columns) => delete steps(columns)["score"]),
  ofColumn("type changed", "note", "a text that becomes JSON", (note) => (note.type = "json")),
  ofColumn("type changed", "count", "a whole number that becomes any", (count) => (count.type = "float64")),
  ofColumns("type changed", "note", "a text that becomes a list", (columns) => (columns["note"] = optional("array"))),
  ofColumn("type changed", "tags", "a list of other items", (tags) => (tags.items = optional("struct")), "tags[]"),
  ofColumns("required column added", "fresh", "a new column that is required", (columns) => {
    columns["fresh"] = { ...optional("string"), required: true };
  }),
  ofColumns("required column added", "inner.right", "a new field that is required", (columns) => {
    const { fields } = at(columns, "inner");
    if (fields !== undefined) fields["right"] = { ...optional("string"), required: true };
  }),
  ofColumns("required column added", "inner.more", "a struct with a required field in a struct", (columns) => {
    const { fields } = at(columns, "inner");
    if (fields !== undefined) fields["more"] = optional("struct");
  }),
  ofColumns("required column added", "inner.more", "a struct with a required field further down", (columns) => {
    const { fields } = at(columns, "inner");
    if (fields !== undefined) fields["more"] = { ...optional("struct"), fields: { deep: optional("struct") } };
  }),
  ofColumn(
    "column made required",
    "note",
    "an optional column that becomes required",
    (note) => (note.required = true),
  ),
  ...["sample_id", "sampled_at"].map((key) =>
    ofColumn("key made optional", key, `${key}, which entries are known by, that may be empty`, (column) => {
      column.required = false;
    }),
  ),
  {
    rule: "column of a system table made optional",
    title: "a seal that may be without its root",
    table: "seals",
    column: "root_hash",
    edit: ({ tables }) => {
      const { seals } = tables;
      if (seals === undefined) return;
      seals.version += 1;
      at(seals.columns, "root_hash").required = false;
    },
  },
  ofColumns("list added to a struct", "steps[].more", "a list in a struct of an array", (columns) => {
    steps(columns)["more"] = optional("array");
  }),
  ofColumns("list added to a struct", "inner.more", "a struct with a list in a struct", (columns) => {
    const { fields } = at(columns, "inner");
    if (fields !== undefined) fields["more"] = { ...optional("struct"), fields: { list: optional("array") } };
  }),
  ofColumn("enum narrowed", "colour", "a value less", ({ enum: values }) => values?.pop()),
  ofColumn("enum closed", "note", "free text that becomes a closed set", (note) => (note.enum = ["a", "b"])),
  ofColumn("length lowered", "note", "a shorter text", (note) => (note.maxLength = 99)),
  ofColumn("range narrowed", "count", "a lower maximum", (count) => (count.maximum = 9)),
  ofColumn("range narrowed", "ratio", "a maximum where there was none", (ratio) => (ratio.maximum = 1)),
  ofColumn("range narrowed", "count", "a range that moves", (count) => {
    count.minimum = 1;
    count.maximum = 20;
  }),
  ofColumn("format set", "note", "a text that must be a UUID", (note) => (note.format = "uuid")),
  ofColumn("preview dropped", "cut", "a text that is cut no more", (cut) => delete cut.preview),
  { rule: "retention shortened", title: "a shorter retention", edit: (draft) => (samples(draft).retentionDays = 30) },
  {
    rule: "partitions changed",
    title: "partitions by the agent's clock",
    edit: (draft) => (samples(draft).partitionBy = "sampled_at"),
  },
  { rule: "entity changed", title: "another entity", edit: (draft) => (samples(draft).entity = "owner") },
  { rule: "time changed", title: "another time", edit: (draft) => (samples(draft).occurredAt = "logged_at") },
  { rule: "kind changed", title: "another kind", edit: (draft) => (samples(draft).kind = "system") },
  {
    rule: "version not raised",
    title: "other columns with the same version",
    edit: (draft) => (at(samples(draft).columns, "note").maxLength = 200),
  },
  { rule: "version lowered", title: "a lower version", edit: (draft) => (samples(draft).version = 2) },
  {
    rule: "system column changed",
    title: "another limit of a system column",
    column: "message_id",
    noTable: true,
    edit: ({ system }) => (at(system.recorded, "message_id").maxLength = 256),
  },
  {
    rule: "system column changed",
    title: "a system column that is gone",
    column: "seq",
    noTable: true,
    edit: ({ system }) => delete system.stamped["seq"],
  },
  { rule: "view removed", title: "a view that is gone", noTable: true, edit: ({ views }) => delete views["samples"] },
  {
    rule: "view column removed",
    title: "a column of a view that is gone",
    noTable: true,
    edit: ({ views }) => views["sla_breaches"]?.splice(views["sla_breaches"].indexOf("sla_met"), 1),
  },
  { rule: "topic removed", title: "a topic that is gone", noTable: true, edit: ({ topics }) => topics.pop() },
];

function reversed<T>(members: { [name: string]: T }): { [name: string]: T } {
  return Object.fromEntries(Object.entries(members).toReversed());
}
