import { StatementFault } from "../errors.ts";
import { quoteText } from "../types.ts";
import type { ArgumentPrinter, FunctionTable } from "./rule.ts";
import type { Call } from "../ast.ts";

/** What TRIM removes: the characters with Unicode's White_Space property. DuckDB's own TRIM removes spaces only. */
const whiteSpace = quoteText(
  "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
);

const pad =
  (side: string) =>
  (text: string, length: string, pattern = "' '") =>
    `bq_pad_${side}(${text}, ${length}, ${pattern})`;
const trim =
  (name: string) =>
  (text: string, characters = whiteSpace) =>
    `${name}(${text}, ${characters})`;
const hash = (name: string) => (value: string) => `unhex(${name}(${value}))`;
const utf8 = (text: string): string => `decode(${text})`;

export const stringFunctions: FunctionTable = {
  LOWER: { arguments: "string", returns: "STRING", print: (text) => `lower(${text})` },
  UPPER: { arguments: "string", returns: "STRING", print: (text) => `upper(${text})` },
  LENGTH: { arguments: "text", returns: "INT64", print: (value) => `bq_length(${value})` },
  CHAR_LENGTH: { arguments: "string", returns: "INT64", print: (text) => `length(${text})` },
  CHARACTER_LENGTH: { arguments: "string", returns: "INT64", print: (text) => `length(${text})` },
  BYTE_LENGTH: { arguments: "text", returns: "INT64", print: (value) => `bq_byte_length(${value})` },
  OCTET_LENGTH: { arguments: "text", returns: "INT64", print: (value) => `bq_byte_length(${value})` },
  SUBSTR: {
    arguments: "string int64 int64?",
    returns: "STRING",
    print: (...printed) => `bq_substr(${printed.join(", ")})`,
  },
  SUBSTRING: {
    arguments: "string int64 int64?",
    returns: "STRING",
    print: (...printed) => `bq_substr(${printed.join(", ")})`,
  },
  TRIM: { arguments: "string string?", returns: "STRING", print: trim("trim") },
  LTRIM: { arguments: "string string?", returns: "STRING", print: trim("ltrim") },
  RTRIM: { arguments: "string string?", returns: "STRING", print: trim("rtrim") },
  REPLACE: {
    arguments: "string string string",
    returns: "STRING",
    print: (...printed) => `replace(${printed.join(", ")})`,
  },
  STARTS_WITH: {
    arguments: "string string",
    returns: "BOOL",
    print: (text, start) => `starts_with(${text}, ${start})`,
  },
  ENDS_WITH: { arguments: "string string", returns: "BOOL", print: (text, end) => `ends_with(${text}, ${end})` },
  STRPOS: { arguments: "string string", returns: "INT64", print: (text, part) => `strpos(${text}, ${part})` },
  INSTR: { arguments: "string string", returns: "INT64", print: (text, part) => `strpos(${text}, ${part})` },
  SPLIT: { arguments: "string string?", print: (text, separator = "','") => `string_split(${text}, ${separator})` },
  CONCAT: { arguments: "text ...", print: (...printed) => `(${printed.join(" || ")})` },
  LPAD: { arguments: "string int64 string?", returns: "STRING", print: pad("left") },
  RPAD: { arguments: "string int64 string?", returns: "STRING", print: pad("right") },
  REPEAT: { arguments: "string int64", returns: "STRING", print: (text, times) => `bq_repeat(${text}, ${times})` },
  REVERSE: {
    arguments: "string",
    returns: "STRING",
    print: (text) => `array_to_string(list_reverse(string_split(${text}, '')), '')`,
  },
  LEFT: { arguments: "string int64", returns: "STRING", print: (text, length) => `bq_end('LEFT', ${text}, ${length})` },
  RIGHT: {
    arguments: "string int64",
    returns: "STRING",
    print: (text, length) => `bq_end('RIGHT', ${text}, ${length})`,
  },
  CHR: { arguments: "int64", returns: "STRING", print: (code) => `chr(CAST(${code} AS INTEGER))` },
  ASCII: { arguments: "string", returns: "INT64", print: (text) => `bq_ascii(${text})` },
  UNICODE: { arguments: "string", returns: "INT64", print: (text) => `CAST(greatest(unicode(${text}), 0) AS BIGINT)` },
  TO_CODE_POINTS: {
    arguments: "string",
    print: (text) =>
      `list_transform(string_split(${text}, ''), lambda bq_element: CAST(unicode(bq_element) AS BIGINT))`,
  },
  CODE_POINTS_TO_STRING: {
    arguments: "array",
    returns: "STRING",
    print: (codes) =>
      `array_to_string(list_transform(${codes}, lambda bq_element: chr(CAST(bq_element AS INTEGER))), '')`,
  },
  TO_HEX: { arguments: "bytes", returns: "STRING", print: (bytes) => `lower(hex(${bytes}))` },
  FROM_HEX: { arguments: "string", returns: "BYTES", print: (text) => `unhex(${text})` },
  TO_BASE64: { arguments: "bytes", returns: "STRING", print: (bytes) => `to_base64(${bytes})` },
  FROM_BASE64: { arguments: "string", returns: "BYTES", print: (text) => `from_base64(${text})` },
  SHA256: { arguments: "text", returns: "BYTES", print: hash("sha256") },
  SHA1: { arguments: "text", returns: "BYTES", print: hash("sha1") },
  MD5: { arguments: "text", returns: "BYTES", print: hash("md5") },
  SAFE_CONVERT_BYTES_TO_STRING: { arguments: "bytes", returns: "STRING", print: utf8 },
  GENERATE_UUID: { arguments: "", returns: "STRING", print: () => "CAST(uuid() AS VARCHAR)" },
  FORMAT: { counts: [1, 100], returns: "STRING", special: printFormat },
};

/** FORMAT with %s, %d, %t and %%. NULL prints as the word NULL, as BigQuery has it. */
function printFormat(call: Call, printer: ArgumentPrinter): string {
  const [first, ...values] = call.arguments;
  const pattern = first && printer.constantText(first);
  if (pattern === undefined) {
    throw new StatementFault("FORMAT needs a string literal as its first argument in this warehouse", call.at);
  }
  let used = 0;
  const parts = pattern.split(/(%[^a-zA-Z%]*[a-zA-Z%]?)/).map((part, index) => {
    if (index % 2 === 0) return quoteText(part);
    if (part === "%%") return quoteText("%");
    const value = values[used++];
    if (!value) throw new StatementFault("FORMAT has fewer arguments than its pattern has specifiers", call.at);
    if (part === "%s") return `coalesce(${printer.guarded(value, "string")}, 'NULL')`;
    if (part === "%d") return `coalesce(CAST(${printer.guarded(value, "int64")} AS VARCHAR), 'NULL')`;
    if (part === "%t") return `coalesce(bq_cast_string(${printer.print(value)}), 'NULL')`;
    throw new StatementFault(`FORMAT specifier ${part} is not supported by this warehouse`, call.at);
  });
  if (used !== values.length) {
    throw new StatementFault("FORMAT has more arguments than its pattern has specifiers", call.at);
  }
  return `(${parts.join(" || ")})`;
}

const define = (head: string, body: string): string => `CREATE OR REPLACE MACRO ${head} AS ${body}`;

export const stringMacros: readonly string[] = [
  define(
    "bq_length(x)",
    "CASE WHEN typeof(x) = 'BLOB' THEN octet_length(CAST(x AS BLOB)) ELSE length(CAST(x AS VARCHAR)) END",
  ),
  define(
    "bq_byte_length(x)",
    "CASE WHEN typeof(x) = 'BLOB' THEN octet_length(CAST(x AS BLOB)) ELSE strlen(CAST(x AS VARCHAR)) END",
  ),
  // A position of 0, or one before the beginning, is the beginning.
  define(
    "bq_position(s, p)",
    "CASE WHEN p = 0 THEN 1 WHEN p < 0 THEN CASE WHEN p < -length(s) THEN 1 ELSE length(s) + p + 1 END ELSE p END",
  ),
  `CREATE OR REPLACE MACRO bq_substr(s, p) AS substring(s, bq_position(s, p)), ` +
    `(s, p, n) AS CASE WHEN n < 0 THEN error('Third argument in SUBSTR() cannot be negative') ` +
    `ELSE substring(s, bq_position(s, p), n) END`,
  define(
    "bq_pad_left(s, n, pattern)",
    "CASE WHEN n < 0 THEN error('Second argument in LPAD() cannot be negative') " +
      "ELSE lpad(s, CAST(n AS INTEGER), pattern) END",
  ),
  define(
    "bq_pad_right(s, n, pattern)",
    "CASE WHEN n < 0 THEN error('Second argument in RPAD() cannot be negative') " +
      "ELSE rpad(s, CAST(n AS INTEGER), pattern) END",
  ),
  define(
    "bq_repeat(s, n)",
    "CASE WHEN n < 0 THEN error('Second argument in REPEAT() cannot be negative') ELSE repeat(s, n) END",
  ),
  define(
    "bq_end(f, s, n)",
    "CASE WHEN n < 0 THEN error('Second argument in ' || f || '() cannot be negative') " +
      "WHEN f = 'LEFT' THEN left(s, n) ELSE right(s, n) END",
  ),
  define(
    "bq_ascii(s)",
    "CASE WHEN unicode(s) > 127 THEN error('Non-ASCII character in the argument of ASCII()') " +
      "ELSE CAST(greatest(unicode(s), 0) AS BIGINT) END",
  ),
];
