/**
 * What may change between two releases, as one table: tables hold rows of every release for years, publishers of older releases go on, messages wait for up
 * to 31 days, and an entry that was sealed must verify under a declaration that has grown since. So what was valid stays valid, and what is stored stays what it is.
 */

/** Where a change arrives, in the order in which it must. */
export type Step = "tables" | "views" | "topics" | "verifiers" | "function" | "publishers";

interface Rule {
  /** What the change is, for the reference. */
  readonly change: string;
  readonly allowed: boolean;
  readonly why: string;
  /** Of what is not allowed: what to do. */
  readonly instead?: string;
  /** Of what somebody may decide to do all the same: how. */
  readonly onceDecided?: string;
  /** Of what is allowed, or decided. */
  readonly rollout: readonly Step[];
  /** Of changes of columns: whether the table's `version` must be raised with it. */
  readonly raisesVersion: boolean;
}

interface Rules {
  readonly "table added": Rule;
  readonly "column added": Rule;
  readonly "field added to a struct": Rule;
  readonly "column made optional": Rule;
  readonly "enum widened": Rule;
  readonly "enum opened": Rule;
  readonly "length raised": Rule;
  readonly "range widened": Rule;
  readonly "format dropped": Rule;
  readonly "preview added": Rule;
  readonly "description changed": Rule;
  readonly "order changed": Rule;
  readonly "clustering changed": Rule;
  readonly "retention lengthened": Rule;
  readonly "version raised": Rule;
  readonly "view added": Rule;
  readonly "view column added": Rule;
  readonly "topic added": Rule;
  readonly "table removed": Rule;
  readonly "column removed": Rule;
  readonly "type changed": Rule;
  readonly "required column added": Rule;
  readonly "column made required": Rule;
  readonly "key made optional": Rule;
  readonly "column of a system table made optional": Rule;
  readonly "list added to a struct": Rule;
  readonly "enum narrowed": Rule;
  readonly "enum closed": Rule;
  readonly "length lowered": Rule;
  readonly "range narrowed": Rule;
  readonly "format set": Rule;
  readonly "preview dropped": Rule;
  readonly "retention shortened": Rule;
  readonly "partitions changed": Rule;
  readonly "entity changed": Rule;
  readonly "time changed": Rule;
  readonly "kind changed": Rule;
  readonly "version not raised": Rule;
  readonly "version lowered": Rule;
  readonly "system column changed": Rule;
  readonly "view removed": Rule;
  readonly "view column removed": Rule;
  readonly "topic removed": Rule;
}

export type RuleName = keyof Rules;

const allowed = (change: string, why: string, ...rollout: readonly Step[]): Rule => ({
  change,
  allowed: true,
  why,
  rollout,
  raisesVersion: false,
});
/** What a column takes grows: the validator decides, the table stays as it is. */
const wider = (change: string, why: string): Rule => ({
  ...allowed(change, why, "verifiers", "function", "publishers"),
  raisesVersion: true,
});
const refused = (change: string, why: string, instead: string): Rule => ({
  change,
  allowed: false,
  why,
  instead,
  rollout: [],
  raisesVersion: true,
});

const beside = "Add a new column beside it, and leave this one as it is.";

export const rules: Rules = {
  "table added": allowed(
    "a new table",
    "Nothing is stored in it yet.",
    ...(["tables", "views", "topics", "verifiers", "function", "publishers"] as const),
  ),
  "column added": {
    ...allowed(
      "a new column that may be empty: also an array, and a struct whatever its fields",
      "Older rows and older publishers leave it empty.",
      ...(["tables", "views", "verifiers", "function", "publishers"] as const),
    ),
    raisesVersion: true,
  },
  "field added to a struct": {
    ...allowed(
      "a further field in a struct that may be empty and is no array",
      "Older rows and older publishers leave it empty.",
      ...(["tables", "views", "verifiers", "function", "publishers"] as const),
    ),
    raisesVersion: true,
  },
  "column made optional": {
    ...allowed(
      "a required column that becomes optional",
      "Every stored row has it. Readers meet rows without it from now on.",
      ...(["tables", "views", "verifiers", "function", "publishers"] as const),
    ),
    raisesVersion: true,
  },
  "enum widened": wider("a further value in a closed set", "What is stored has one of the values that there were."),
  "enum opened": wider("a closed set that becomes free text", "What is stored is text already."),
  "length raised": wider("a longer limit of a text", "BigQuery knows no limit; the validator does."),
  "range widened": wider("a wider range of a number", "BigQuery knows no range; the validator does."),
  "format dropped": wider("a text that need not be a UUID any more", "BigQuery knows no format; the validator does."),
  "preview added": {
    ...allowed(
      "a text that publishers cut from now on",
      "Only what is too long anyway is cut.",
      "verifiers",
      "function",
      "publishers",
    ),
    raisesVersion: true,
  },
  "description changed": allowed("another description", "No row and no event goes by it.", "tables"),
  "order changed": allowed(
    "another order of columns, fields or values",
    "Everything goes by names. BigQuery keeps the order in which columns came, with new ones at the end.",
  ),
  "clustering changed": allowed("another clustering", "It changes what a question costs, and no answer.", "tables"),
  "retention lengthened": allowed(
    "a longer retention",
    "Rows that are there stay longer; those that are gone do not come back, and verifiers report their windows as missing until these would be over by the new retention, too.",
    "tables",
    "verifiers",
  ),
  "version raised": allowed(
    "a higher `version`, by any number",
    "It goes with every change of the columns, and there may be several between two releases.",
    "verifiers",
    "function",
  ),
  "view added": allowed("a new view", "Nobody reads it yet.", "views"),
  "view column added": allowed("a further column of a view", "Readers name the columns that they want.", "views"),
  "topic added": allowed("a new topic", "Nobody publishes to it yet.", "topics", "function", "publishers"),
  "table removed": refused(
    "a table that is gone",
    "Its rows stay for years, and are sealed; publishers of older releases go on sending them.",
    "Leave it declared. A table that nobody writes costs nothing.",
  ),
  "column removed": refused(
    "a column or field that is gone, or has another name",
    "Rows hold it, their entries name it, and what older publishers send with it would become dead letters.",
    "Leave it declared and fill it no more. Another name is a new column beside it.",
  ),
  "type changed": refused(
    "another type, also of an array's items",
    "The table cannot hold both, and older entries would not agree with their column.",
    beside,
  ),
  "required column added": refused(
    "a new column or field that is required; in a struct that is there, also a struct with a required field",
    "BigQuery adds no required column or field to a table, and what older publishers send would become dead letters.",
    "Add it, and the fields in it, without `required`.",
  ),
  "column made required": refused(
    "an optional column that becomes required",
    "Rows may have it empty, and what older publishers send would become dead letters.",
    "Leave it optional. Let new publishers always fill it.",
  ),
  "key made optional": refused(
    "`entity` or `occurredAt` that becomes optional",
    "Entries without it would be one entity, or have happened at no time.",
    "Leave it required.",
  ),
  "column of a system table made optional": refused(
    "a required column of a system table (`seals`, dead letters) that becomes optional",
    "Indelible always fills it, and verifiers and replays need it (SPEC.md).",
    "Leave it required.",
  ),
  "list added to a struct": refused(
    "an array as a further field in a struct",
    "The warehouse of one machine does not add it: the structs that are stored would have no array, not even an empty one.",
    "Add a column of the table beside it.",
  ),
  "enum narrowed": refused(
    "a value less in a closed set",
    "Rows hold it, and what older publishers send with it would become dead letters.",
    "Leave it in the set. Say in the description that it is used no more.",
  ),
  "enum closed": refused(
    "free text that becomes a closed set",
    "Rows hold other values, and what older publishers send would become dead letters.",
    beside,
  ),
  "length lowered": refused(
    "a shorter limit of a text",
    "What older publishers send would become dead letters.",
    "Leave the limit. A publisher may keep to a shorter one by itself.",
  ),
  "range narrowed": refused(
    "a narrower range of a number",
    "What older publishers send would become dead letters.",
    "Leave the range. A publisher may keep to a narrower one by itself.",
  ),
  "format set": refused(
    "a text that must be a UUID from now on",
    "What older publishers send would become dead letters.",
    beside,
  ),
  "preview dropped": refused(
    "a text that publishers cut no more",
    "What they have cut so far would become dead letters.",
    "Leave `preview`, and raise `maxLength`.",
  ),
  "retention shortened": {
    ...refused(
      "a shorter retention",
      "It deletes at once what is older, and verifiers take for expired what somebody has deleted.",
      "It takes a decision: put its key, which the check prints, and the reason into schemas/releases/decisions.json.",
    ),
    rollout: ["verifiers"],
    onceDecided:
      "When every verifier has this release, shorten the table by hand, which nothing that provisions does (docs/schema-changes.md).",
  },
  "partitions changed": refused(
    "partitions by another column",
    "BigQuery does not partition a table anew, and retention must go by a clock that agents cannot set.",
    "Leave `ingested_at`.",
  ),
  "entity changed": refused(
    "another column as `entity`",
    "The view has one row for each of it: stored entries would be gathered under another identity.",
    "Declare a new table.",
  ),
  "time changed": refused(
    "another column as `occurredAt`",
    "Stored entries would have happened at another time.",
    "Declare a new table.",
  ),
  "kind changed": refused(
    "another `kind`",
    "It decides who may write the table, and whether it has a topic.",
    "Declare a new table.",
  ),
  "version not raised": refused(
    "changed columns with the same `version`",
    "`schema_version` of a row says by which declaration it was validated, and verifiers know by it that they are too old.",
    "Raise `version` by 1.",
  ),
  "version lowered": refused(
    "a lower `version`",
    "Verifiers would report every row of the higher one.",
    "Set it to at least what the last release has.",
  ),
  "system column changed": refused(
    "anything of a system column but its description",
    "Identity, order, dedup, seals and proofs go by them (SPEC.md).",
    "Leave it. A further one that may be empty can be added.",
  ),
  "view removed": refused(
    "a view that is gone, or has another name",
    "Views are all that readers may ask: their questions would fail.",
    "Leave it. Another name is a new view beside it.",
  ),
  "view column removed": refused(
    "a column of a view that is gone, or has another name",
    "Questions of readers name it, and would fail.",
    "Leave it. Another name is a new column beside it.",
  ),
  "topic removed": refused(
    "a topic that is gone",
    "Publishers of older releases go on sending to it.",
    "Leave it declared.",
  ),
};

export const ruleNames: readonly RuleName[] = Object.keys(rules) as RuleName[];

interface StepText {
  /** What arrives. */
  readonly what: string;
  readonly how: string;
  readonly why: string;
}

interface Steps {
  readonly tables: StepText;
  readonly views: StepText;
  readonly topics: StepText;
  readonly verifiers: StepText;
  readonly function: StepText;
  readonly publishers: StepText;
}

/** In the order in which they are to be done. */
export const steps: Steps = {
  tables: {
    what: "Tables",
    how: "`npm start` adds columns and fields, lets them be empty and lengthens retention by itself; in the cloud the infrastructure program does, clustering and descriptions included, but leaves the retention of a table that is there alone: `bq update`, as `indelible doctor` prints it (docs/schema-changes.md).",
    why: "Appends of a function that knows a column which the table has not are refused as a whole: its messages wait in Pub/Sub. A row without a column that the table still asks for is a dead letter.",
  },
  views: {
    what: "Views",
    how: "In the same run, after their tables.",
    why: "A view that names a column cannot be made before the table has it; an older view does not show it.",
  },
  topics: {
    what: "Topics and their subscriptions",
    how: "In the same run: the topic of dead letters first, then the others.",
    why: "A publisher of a topic that is not there keeps its events until it is; a message in a topic without a subscription is delivered to nobody.",
  },
  verifiers: {
    what: "Whoever runs `indelible verify`, and other readers",
    how: "Install the new release there.",
    why: "An older verifier reports rows of a version that it does not know as `projection-differs`, by `schema_version`, and as `missing` what has expired by a retention that is shorter than the one that it knows.",
  },
  function: {
    what: "The function or the worker, and the sealer",
    how: "Deploy, and wait until no instance of the older release is left.",
    why: "They accept all that they accepted before. A table that has more columns than they know takes their rows with those columns empty.",
  },
  publishers: {
    what: "Publishers and agents, and `indelible dlq`",
    how: "Last, one after the other.",
    why: "What is new to an older function is a dead letter (`ERR_UNKNOWN_FIELD`, `ERR_INVALID_EVENT`): nothing is lost, `indelible dlq replay` publishes it again once the function is new.",
  },
};

export const stepNames: readonly Step[] = Object.keys(steps) as Step[];
