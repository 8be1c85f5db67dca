import { canonicalize } from "./canonical.ts";
import type { Column, StringColumn } from "./columns.ts";
import { eventColumns, type Event, type Table } from "./tables.ts";

/** Writes an event of one table as canonical JSON, just as `canonicalize` does, only faster. Same errors. */
export type Canonicalizer = (event: Event) => string;

/** What a `FillingCanonicalizer` puts into columns that the caller left out. */
export type Defaults = { readonly [property: string]: unknown };

/** For each column that has a default, the property of `Defaults` that holds it. */
export type Sources = { readonly [column: string]: string };

/** As a `Canonicalizer`, but with defaults in place of what is null or left out, and previews cut. */
export type FillingCanonicalizer = (event: Event, defaults: Defaults) => string;

const compiled = new Map<string, Canonicalizer>();

/** The canonicalizer of `table`, compiled on first use. */
export function canonicalizerOf(table: Table): Canonicalizer {
  let canonicalizer = compiled.get(table.name);
  if (canonicalizer === undefined) compiled.set(table.name, (canonicalizer = compile(table)));
  return canonicalizer;
}

/**
 * Compiles a canonicalizer that fills in columns without making a copy of the event. It writes what
 * `complete(table, sources, event, defaults)` gives.
 */
export function compileFilling(table: Table, sources: Sources): FillingCanonicalizer {
  return compile(table, sources);
}

/**
 * A copy of `event` with every default in its place and its previews cut to their length. A `toJSON` of the event's own is left out, as every
 * function is: what it gives would take the place of the defaults, and need not even be an object.
 */
export function complete(
  table: Table,
  sources: Sources,
  event: Event,
  defaults: Defaults,
): { [column: string]: unknown } {
  const copy: { [column: string]: unknown } = { ...event };
  if (typeof copy["toJSON"] === "function") delete copy["toJSON"];
  for (const column in sources) copy[column] ??= defaults[sources[column]!];
  for (const name in table.columns) {
    const column = table.columns[name]!;
    const value = copy[name];
    if (isPreview(column) && typeof value === "string") copy[name] = cut(value, column.maxLength!);
  }
  return copy;
}

function isPreview(column: Column): column is StringColumn {
  return column.type === "string" && column.preview === true;
}

/** The first `maxLength` code points of `text`, so that no surrogate pair is cut in two. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  let end = 0;
  for (let points = 0; points < maxLength && end < text.length; points += 1) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

/**
 * The generated function gives `JSON.stringify` an object whose keys stand in sorted order, which costs half of what
 * joining the parts does: engines write flat objects faster than any code of ours. What `JSON.stringify` would lose
 * without a word (-0, NaN, half of a surrogate pair) is looked for, and columns that nest are written by
 * `canonicalize` between such objects. An event with any other key, or with a value of another type than declared, is
 * still an event (it will become a dead letter that says so), and is written in the general way. So is an instance of a
 * class, for what its prototype gives is no member, and would be taken for one here. Column names are ours and plain
 * identifiers, so they go into the source as they are. Each member is read once, unless it turns out that the general way has to be taken: a
 * getter of the caller's may do anything.
 */
function compile(table: Table, sources?: Sources): (event: Event, defaults?: Defaults) => string {
  const columns = Object.entries(eventColumns(table)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const source = `"use strict"; return (event, defaults) => {
    const prototype = Object.getPrototypeOf(event);
    if (prototype !== Object.prototype && prototype !== null) return general(event, defaults);
    let known = 0, text, part;
    ${columns.map(([name, column]) => read(name, column, sources)).join("\n    ")}
    for (const key in event) known -= 1;
    if (known !== 0) for (const key in event) if (event[key] === undefined) known += 1;
    if (known !== 0) return general(event, defaults);
    ${write(columns)}
  }`;
  const general = (event: Event, defaults?: Defaults): string =>
    canonicalize(sources === undefined ? event : complete(table, sources, event, defaults!));
  // Compiled from our own declaration, never from data.
  // oxlint-disable-next-line no-implied-eval, no-new-func
  return new Function("general", "canonicalize", "cut", source)(general, canonicalize, cut) as Canonicalizer;
}

type NamedColumn = readonly [name: string, column: Column];

/** Code that reads a column into a variable of its name, with its default, or leaves for the general way. */
function read(name: string, column: Column, sources?: Sources): string {
  const v = variable(name);
  const leave = "return general(event, defaults);";
  const number = `if (!Number.isFinite(${v}) || (${v} === 0 && 1 / ${v} < 0)) ${leave}`;
  const nested = `if (typeof ${v} === "function" || typeof ${v} === "symbol") ${leave}`;
  const test: { readonly [type in Column["type"]]: string } = {
    string: `if (typeof ${v} !== "string") ${leave}`,
    timestamp: `if (typeof ${v} !== "string") {
      if (${v} instanceof Date) ${v} = ${v}.toJSON();
      if (typeof ${v} !== "string" && ${v} !== null) ${leave}
    }`,
    int64: number,
    float64: number,
    bool: `if (typeof ${v} !== "boolean") ${leave}`,
    json: nested,
    array: nested,
    struct: nested,
  };
  const source = sources?.[name];
  const fill = source === undefined ? "" : `if (${v} === undefined || ${v} === null) ${v} = defaults.${source};`;
  const shorten =
    sources !== undefined && isPreview(column)
      ? `if (${v}.length > ${column.maxLength!}) ${v} = cut(${v}, ${column.maxLength!});`
      : "";
  return `let ${v} = event.${name}; if (${v} !== undefined) known += 1; ${fill}
    if (${v} !== undefined && ${v} !== null) { ${test[column.type]} ${shorten} }`;
}

/** No column's own name, which may be a word of the generated code. */
function variable(name: string): string {
  return `$${name}`;
}

function member(name: string): string {
  return `${name}: ${variable(name)}`;
}

/** Columns whose values `JSON.stringify` would not write in sorted order. */
const nesting: ReadonlySet<Column["type"]> = new Set(["json", "array", "struct"]);

const hasHalfPair = '.includes("\\\\ud")';

/** Code that writes the columns: objects of all that do not nest, and between them those that do. */
function write(columns: readonly NamedColumn[]): string {
  if (!columns.some(([, { type }]) => nesting.has(type))) {
    return `text = JSON.stringify({${columns.map(([name]) => member(name)).join(", ")}});
    return text${hasHalfPair} ? general(event, defaults) : text;`;
  }
  const code = ['text = "{";'];
  let flat: string[] = [];
  const writeFlat = (): void => {
    if (flat.length === 0) return;
    code.push(
      `part = JSON.stringify({${flat.join(", ")}});
    if (part${hasHalfPair}) return general(event, defaults);
    if (part.length > 2) text += (text.length > 1 ? "," : "") + part.slice(1, -1);`,
    );
    flat = [];
  };
  for (const [name, { type }] of columns) {
    if (!nesting.has(type)) {
      flat.push(member(name));
      continue;
    }
    writeFlat();
    const v = variable(name);
    code.push(
      `if (${v} !== undefined) text += (text.length > 1 ? ',"${name}":' : '"${name}":') + canonicalize(${v}, 1);`,
    );
  }
  writeFlat();
  return `${code.join("\n    ")}
    return text + "}";`;
}
