import { DEFAULT_MAX_LENGTH, type Column, type Columns } from "@indelible/schemas/columns.ts";
import { stampedColumns } from "@indelible/schemas/system-columns.ts";
import { eventColumns, type Event, type Table } from "@indelible/schemas/tables.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";

/** What is done to the values of an event, wherever they stand. */
export interface Replacements {
  text(text: string): string;
  /** The same for a text that was replaced in before: what is found again does not count. */
  again(text: string): string;
  number(value: number): number | string;
  /** What takes the place of the value of a member of a JSON object; undefined: look into it. */
  member(key: string, value: unknown): string | undefined;
}

/**
 * `event` with its values replaced. Whatever is valid stays valid: stamped columns, timestamps, enumerations, numbers and
 * booleans are left alone, lists and structs keep their shape, and texts stay within the length that they were within. What
 * is not valid is treated as free JSON, because it ends as a dead letter, which people read too.
 */
export function replaceIn(table: Table, event: Event, replacements: Replacements): Event {
  return replaceFields(eventColumns(table), event, replacements);
}

function replaceFields(columns: Columns, fields: { readonly [name: string]: unknown }, by: Replacements): Event {
  return Object.fromEntries(
    uniqueKeys(Object.entries(fields), (name, value) => {
      const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
      if (column === undefined) return replaceMember(name, value, by);
      if (Object.hasOwn(stampedColumns, name) && typeof value !== "object") return [name, value];
      return [name, replaceColumn(column, value, by)];
    }),
  );
}

function replaceColumn(column: Column, value: unknown, by: Replacements): unknown {
  switch (column.type) {
    case "string":
      if (typeof value !== "string") break;
      if (column.enum?.includes(value) === true) return value;
      return replaceBounded(value, column.maxLength ?? DEFAULT_MAX_LENGTH, by);
    case "timestamp":
      if (typeof value === "string" && parseTimestamp(value) !== undefined) return value;
      break;
    case "int64":
    case "float64":
    case "bool":
      if (typeof value === "number") return value;
      break;
    case "array":
      if (Array.isArray(value)) return value.map((item: unknown) => replaceColumn(column.items, item, by));
      break;
    case "struct":
      if (isObject(value)) return replaceFields(column.fields, value, by);
      break;
    case "json":
  }
  return replaceJson(value, by);
}

function replaceJson(value: unknown, by: Replacements): unknown {
  if (typeof value === "string") return by.text(value);
  if (typeof value === "number") return by.number(value);
  if (Array.isArray(value)) return value.map((item: unknown) => replaceJson(item, by));
  if (!isObject(value)) return value;
  return Object.fromEntries(uniqueKeys(Object.entries(value), (key, member) => replaceMember(key, member, by)));
}

function replaceMember(key: string, value: unknown, by: Replacements): [key: string, value: unknown] {
  return [replaceKey(key, by), by.member(key, value) ?? replaceJson(value, by)];
}

/** The number behind a key that became equal to another one is not looked at again. */
function replaceKey(key: string, by: Replacements): string {
  const bare = key.replace(/(?<=\[REDACTED:[a-z0-9-]{1,40}\])#\d{1,9}$/, "");
  const replaced = by.text(bare);
  return replaced === bare ? key : replaced;
}

/** Members whose keys are equal after a replacement are all kept. */
function uniqueKeys(
  entries: readonly (readonly [key: string, value: unknown])[],
  replace: (key: string, value: unknown) => [key: string, value: unknown],
): [key: string, value: unknown][] {
  const taken = new Set(entries.map(([key]) => key));
  return entries.map(([key, value]) => {
    const [name, replaced] = replace(key, value);
    if (name === key) return [key, replaced];
    let unique = name;
    for (let count = 2; taken.has(unique); count += 1) unique = `${name}#${count}`;
    taken.add(unique);
    return [unique, replaced];
  });
}

/**
 * A marker can be longer than what it replaces. Cutting can leave what was not to be redacted before, such as a number that is
 * now as long as a card's; so it is looked at again.
 */
function replaceBounded(text: string, maxLength: number, by: Replacements): string {
  let result = by.text(text);
  if (result === text || !isLonger(result, maxLength) || isLonger(text, maxLength)) return result;
  for (let round = 0; round < 3; round += 1) {
    const before = cut(result, maxLength);
    result = cut(by.again(before), maxLength);
    if (result === before) break;
  }
  return result;
}

/** Whether `text` has more than `maxLength` code points. */
function isLonger(text: string, maxLength: number): boolean {
  return text.length > maxLength && cut(text, maxLength).length < text.length;
}

/** The first `maxLength` code points of `text`, so that no surrogate pair is cut in two. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  let end = 0;
  for (let points = 0; points < maxLength && end < text.length; points += 1) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
