/** What has changed between two declarations, whether an append-only table can take it, and where it has to arrive first. */
import { rules, stepNames, type RuleName, type Step } from "./evolution-rules.ts";
import type { ColumnSnapshot, ColumnsSnapshot, Snapshot, TableSnapshot } from "./snapshot.ts";

export interface Change {
  readonly rule: RuleName;
  /** Undefined: it is about all tables, or about none. */
  readonly table: string | undefined;
  /** As `column`, `column.field`, `column[]` of the items of an array, `column[].field`. Undefined: it is about the table. */
  readonly column: string | undefined;
  readonly allowed: boolean;
  /** What it is and why it is allowed or not, for people. */
  readonly sentence: string;
  /** What to do instead of what is not allowed. */
  readonly instead: string | undefined;
  /** What somebody may decide, as a key of {@link Decisions}; undefined: nobody may. */
  readonly decision: string | undefined;
  readonly rollout: readonly Step[];
}

/** Decisions that people have taken: the key of a change, and why it is allowed all the same. A key names what it is about and from what to what. */
export type Decisions = { readonly [key: string]: string };

/** A step of the rollout, and the tables whose changes are why; undefined among them: all. */
export interface RolloutStep {
  readonly step: Step;
  readonly tables: readonly (string | undefined)[];
}

/** Every change, in the order of the newer declaration. Pure. */
export function changesBetween(before: Snapshot, after: Snapshot, decisions: Decisions = {}): readonly Change[] {
  const system = [
    ...systemChanges(before.system.stamped, after.system.stamped),
    ...systemChanges(before.system.recorded, after.system.recorded),
  ];
  const columnAdded = system.some(({ rule }) => rule === "column added");
  const found = [
    ...system,
    ...namesOf(before.tables, after.tables).flatMap((name) => {
      const [was, is] = [own(before.tables, name), own(after.tables, name)];
      const changes =
        was === undefined
          ? [of("table added", `table ${name} is new`)]
          : is === undefined
            ? [of("table removed", `table ${name} is gone`)]
            : tableChanges(was, is, columnAdded);
      return changes.map(about(name, before.release));
    }),
    ...viewsChanges(before.views, after.views),
    ...after.topics.filter((id) => !before.topics.includes(id)).map((id) => of("topic added", `topic ${id} is new`)),
    ...before.topics.filter((id) => !after.topics.includes(id)).map((id) => of("topic removed", `topic ${id} is gone`)),
  ];
  return found.map((change) => judged(change, decisions));
}

/** The steps that allowed changes take, in the order in which they are to be done. */
export function rolloutOf(changes: readonly Change[]): readonly RolloutStep[] {
  return stepNames.flatMap((step) => {
    const because = changes.filter(({ allowed, rollout }) => allowed && rollout.includes(step));
    if (because.length === 0) return [];
    return [{ step, tables: [...new Set(because.map(({ table }) => table))] }];
  });
}

interface Found {
  readonly rule: RuleName;
  readonly table?: string;
  readonly column?: string;
  /** What exactly, as a clause. */
  readonly what: string;
  /** Beside what the rule itself says. */
  readonly decision?: string;
}

function of(rule: RuleName, what: string): Found {
  return { rule, what };
}

/** @param release that the change follows, to which a decision about it is bound */
function about(table: string, release: string): (found: Found) => Found {
  return (found) => {
    const place = found.column === undefined ? table : `${table}.${found.column}`;
    const decision = found.decision === undefined ? {} : { decision: `${table}: ${found.decision} after ${release}` };
    return {
      ...found,
      table,
      what: found.what.startsWith("table ") ? found.what : `${place} ${found.what}`,
      ...decision,
    };
  };
}

function judged({ rule, table, column, what, decision }: Found, decisions: Decisions): Change {
  const { allowed, why, instead, onceDecided, rollout } = rules[rule];
  const decided = decision === undefined ? undefined : own(decisions, decision);
  const reason = decided === undefined ? "" : ` Decided: ${asSentence(decided)} ${onceDecided ?? ""}`.trimEnd();
  return {
    rule,
    table,
    column,
    allowed: allowed || decided !== undefined,
    sentence: `${what}. ${why}${reason}`,
    instead: decided === undefined ? instead : undefined,
    decision,
    rollout,
  };
}

function asSentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

function raisesVersion({ rule }: Found): boolean {
  return rules[rule].raisesVersion;
}

function tableChanges(was: TableSnapshot, is: TableSnapshot, systemChanged: boolean): Found[] {
  const keys: ReadonlySet<string | undefined> = new Set([is.entity, is.occurredAt]);
  const columns = columnsChanges(was.columns, is.columns, "", false).map((found): Found => {
    if (found.rule !== "column made optional") return found;
    if (keys.has(found.column)) return { ...found, rule: "key made optional" };
    return was.kind === "system" ? { ...found, rule: "column of a system table made optional" } : found;
  });
  const changed = systemChanged || columns.some(raisesVersion);
  return [
    ...columns,
    ...versionChanges(was.version, is.version, changed),
    ...differing("kind changed", "kind", was.kind, is.kind),
    ...differing("entity changed", "entity", was.entity, is.entity),
    ...differing("time changed", "occurredAt", was.occurredAt, is.occurredAt),
    ...differing("partitions changed", "partitions", was.partitionBy, is.partitionBy),
    ...differing("clustering changed", "clustering", was.clusterBy.join(", "), is.clusterBy.join(", ")),
    ...(was.description === is.description ? [] : [of("description changed", "has another description")]),
    ...retentionChanges(was.retentionDays, is.retentionDays),
  ];
}

function differing(rule: RuleName, what: string, was: string, is: string): Found[] {
  return was === is ? [] : [of(rule, `has ${is || "nothing"} as ${what} instead of ${was || "nothing"}`)];
}

function versionChanges(was: number, is: number, changed: boolean): Found[] {
  if (is < was) return [of("version lowered", `has version ${is} after ${was}`)];
  if (is > was) return changed ? [] : [of("version raised", `has version ${is} after ${was}, with the same columns`)];
  return changed ? [of("version not raised", `has other columns, and still version ${is}`)] : [];
}

function retentionChanges(was: number, is: number): Found[] {
  if (is === was) return [];
  const what = `keeps rows for ${is} days instead of ${was}`;
  return is > was
    ? [of("retention lengthened", what)]
    : [{ ...of("retention shortened", what), decision: `retention ${was} to ${is} days` }];
}

const ofSystemColumns: ReadonlySet<RuleName> = new Set(["column added", "description changed", "order changed"]);

/** Of a system column only the description may change, and one may be added. */
function systemChanges(was: ColumnsSnapshot, is: ColumnsSnapshot): Found[] {
  return columnsChanges(was, is, "", false).map((found) => ({
    ...found,
    rule: ofSystemColumns.has(found.rule) ? found.rule : "system column changed",
    what:
      found.column === undefined
        ? "system columns are in another order"
        : `every table's ${found.column} ${found.what}`,
  }));
}

/** Views with the same new columns are one change, as those over one table are. */
function viewsChanges(before: Snapshot["views"], after: Snapshot["views"]): Found[] {
  const without = (columns: readonly string[], others: readonly string[] = []): readonly string[] =>
    columns.filter((column) => !others.includes(column));
  const names = Object.keys(after);
  const isNew = names.filter((name) => !Object.hasOwn(before, name));
  const wider = Object.groupBy(without(names, isNew), (name) =>
    without(own(after, name) ?? [], own(before, name)).join(", "),
  );
  return [
    ...(isNew.length > 0 ? [of("view added", `new: ${isNew.join(", ")}`)] : []),
    ...Object.entries(wider).flatMap(([columns, views = []]) =>
      columns === "" ? [] : [of("view column added", `new in ${views.join(", ")}: ${columns}`)],
    ),
    ...Object.entries(before).flatMap(([name, columns]): Found[] => {
      const is = own(after, name);
      if (is === undefined) return [of("view removed", `view ${name} is gone`)];
      return without(columns, is).map((column) => of("view column removed", `view ${name} has no ${column} any more`));
    }),
  ];
}

/** @param inStruct whether they are the fields of a struct that was there before */
function columnsChanges(was: ColumnsSnapshot, is: ColumnsSnapshot, path: string, inStruct: boolean): Found[] {
  const names = namesOf(was, is);
  const changes = names.flatMap((name): Found[] => {
    const column = `${path}${name}`;
    const [before, after] = [own(was, name), own(is, name)];
    if (after === undefined) return [{ ...of("column removed", "is gone"), column }];
    if (before === undefined) return [{ ...addition(after, inStruct), column }];
    return columnChanges(before, after, column);
  });
  const common = (columns: ColumnsSnapshot, others: ColumnsSnapshot): string =>
    Object.keys(columns)
      .filter((name) => Object.hasOwn(others, name))
      .join();
  if (common(was, is) === common(is, was)) return changes;
  const column = path.replace(/\.$/, "");
  const what = column === "" ? "has its columns in another order" : "has its fields in another order";
  return [...changes, { ...of("order changed", what), ...(column === "" ? {} : { column }) }];
}

function addition(column: ColumnSnapshot, inStruct: boolean): Found {
  if (column.required) return of("required column added", "is new and required");
  if (!inStruct) return of("column added", "is new");
  if (holdsRequired(column)) return of("required column added", "is new and has a required field");
  return holdsList(column) ? of("list added to a struct", "is new") : of("field added to a struct", "is new");
}

function holdsList({ type, fields = {} }: ColumnSnapshot): boolean {
  return type === "array" || Object.values(fields).some(holdsList);
}

function holdsRequired({ fields = {}, items }: ColumnSnapshot): boolean {
  return (
    Object.values(fields).some((field) => field.required || holdsRequired(field)) ||
    (items !== undefined && holdsRequired(items))
  );
}

function columnChanges(was: ColumnSnapshot, is: ColumnSnapshot, column: string): Found[] {
  const here = (found: readonly Found[]): Found[] => found.map((one) => ({ ...one, column }));
  if (was.type !== is.type) return here([of("type changed", `is ${is.type} instead of ${was.type}`)]);
  return [
    ...here([
      ...(was.required === is.required
        ? []
        : [
            is.required
              ? of("column made required", "is required now")
              : of("column made optional", "may be empty now"),
          ]),
      ...enumChanges(was.enum, is.enum),
      ...limitChanges(was, is),
      ...rangeChanges(was, is),
      ...(was.description === is.description ? [] : [of("description changed", "has another description")]),
    ]),
    ...(was.items === undefined || is.items === undefined
      ? []
      : columnChanges({ ...was.items, required: false }, { ...is.items, required: false }, `${column}[]`)),
    ...(was.fields === undefined || is.fields === undefined
      ? []
      : columnsChanges(was.fields, is.fields, `${column}.`, true)),
  ];
}

function enumChanges(was: readonly string[] | undefined, is: readonly string[] | undefined): Found[] {
  if (was === undefined) return is === undefined ? [] : [of("enum closed", `must be one of ${is.join(", ")}`)];
  if (is === undefined) return [of("enum opened", "may be any text")];
  const added = is.filter((value) => !was.includes(value));
  const removed = was.filter((value) => !is.includes(value));
  const common = (values: readonly string[]): string =>
    values.filter((value) => was.includes(value) && is.includes(value)).join();
  return [
    ...(added.length > 0 ? [of("enum widened", `may be ${added.join(", ")}, too`)] : []),
    ...(removed.length > 0 ? [of("enum narrowed", `may not be ${removed.join(", ")} any more`)] : []),
    ...(common(was) === common(is) ? [] : [of("order changed", "has its values in another order")]),
  ];
}

function limitChanges(was: ColumnSnapshot, is: ColumnSnapshot): Found[] {
  const [before, after] = [was.maxLength ?? 0, is.maxLength ?? 0];
  // What was one of a closed set has been as long as the longest of these, whatever the limit.
  const longest =
    was.enum !== undefined && is.enum === undefined ? Math.max(...was.enum.map((value) => [...value].length)) : before;
  const length = (than: number): string => `may have ${after} characters instead of ${than}`;
  return [
    ...(after > before ? [of("length raised", length(before))] : []),
    ...(after < longest ? [of("length lowered", length(longest))] : []),
    ...(was.format === is.format
      ? []
      : [is.format === undefined ? of("format dropped", "need not be a UUID") : of("format set", "must be a UUID")]),
    ...(was.preview === is.preview
      ? []
      : [
          is.preview === undefined
            ? of("preview dropped", "is cut no more")
            : of("preview added", "is cut to its limit"),
        ]),
  ];
}

function rangeChanges(was: ColumnSnapshot, is: ColumnSnapshot): Found[] {
  const from = ({ minimum = -Infinity }: ColumnSnapshot): number => minimum;
  const to = ({ maximum = Infinity }: ColumnSnapshot): number => maximum;
  const what = `goes from ${from(is)} to ${to(is)} instead of from ${from(was)} to ${to(was)}`;
  const narrower = from(is) > from(was) || to(is) < to(was);
  const isWider = from(is) < from(was) || to(is) > to(was);
  return [
    ...(isWider && !narrower ? [of("range widened", what)] : []),
    ...(narrower ? [of("range narrowed", what)] : []),
  ];
}

/** Of both, those of the newer first. */
function namesOf(before: object, after: object): string[] {
  return [...new Set([...Object.keys(after), ...Object.keys(before)])];
}

/** Nothing that every object inherits: a column may be named `constructor`. */
function own<T>(members: { readonly [name: string]: T }, name: string): T | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
