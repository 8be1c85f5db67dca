import { QueryError } from "./errors.ts";

const typeNames: Readonly<Record<string, string>> = {
  VARCHAR: "STRING",
  BIGINT: "INT64",
  HUGEINT: "INT64",
  INTEGER: "INT64",
  DOUBLE: "FLOAT64",
  BOOLEAN: "BOOL",
  BLOB: "BYTES",
  TIMESTAMP: "DATETIME",
  "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
  "DECIMAL(38,9)": "NUMERIC",
};

const duckdbType =
  /TIMESTAMP WITH TIME ZONE|DECIMAL\(38,9\)|\b(?:VARCHAR|BIGINT|HUGEINT|INTEGER|DOUBLE|BOOLEAN|BLOB|TIMESTAMP)\b/g;

/** BigQuery's words for DuckDB's, tried in order. `$1` and so on are the groups of the pattern. */
const translations: readonly (readonly [pattern: RegExp, message: string])[] = [
  [/Referenced column "([^"]+)" (?:not found|was not found)/, "Unrecognized name: $1"],
  [/Referenced table "([^"]+)" not found/, "Unrecognized name: $1"],
  [/(?:Values list|Table) "([^"]+)" does not have a column named "([^"]+)"/, "Name $2 not found inside $1"],
  [/Ambiguous reference to column name "([^"]+)"/, "Column name $1 is ambiguous"],
  [/Column(?: with name)? "?([^" ]+)"? in EXCLUDE list not found/i, "Column $1 in SELECT * EXCEPT list does not exist"],
  [/Column "([^"]+)" in REPLACE list not found/i, "Column $1 in SELECT * REPLACE list does not exist"],
  [/Could not find key "([^"]+)" in struct/, "Field name $1 does not exist in STRUCT"],
  [
    /column "([^"]+)" must appear in the GROUP BY clause/,
    "SELECT list expression references column $1 which is neither grouped nor aggregated",
  ],
  [
    /(?:GROUP BY|ORDER) term out of range - should be between 1 and (\d+)/,
    "ordinal is out of SELECT-list range: it has $1 columns",
  ],
  [/WHERE clause cannot contain aggregates/, "Aggregate function not allowed in WHERE clause"],
  [/aggregate function calls cannot be nested/, "Aggregations of aggregations are not allowed"],
  [/cannot contain window functions/, "Analytic function not allowed in this clause"],
  [/Overflow in (\w+) of INT64 \(([^)]*)\)/, "int64 overflow: $2"],
  [
    /Type (?:INT128|DOUBLE) with value ([-+.\de]+) can't be cast because the value is out of range/,
    "int64 overflow: $1",
  ],
  [/Subquery returns (\d+) columns - expected 1/, "Scalar subquery cannot have more than one column"],
  [/More than one row returned by a subquery/, "Scalar subquery produced more than one element"],
  [
    /Set operations can only apply to expressions with the same number of result columns/,
    "Queries of a set operation have different numbers of columns",
  ],
  [
    /(?:Unimplemented type for cast|Cannot cast) \(?([A-Z() ,\d]+?) (?:->|to) ([A-Z() ,\d]+?)\)?(?:\n|$)/,
    "Invalid cast from $1 to $2",
  ],
  [
    /Cannot (?:mix|compare) values of type (.+?) and (?:type )?(.+?) (?:in|-)/,
    "No matching signature for argument types: $1, $2",
  ],
  [
    /Cannot extract field '([^']*)' from expression/,
    "Cannot access field $1 on a value that is neither STRUCT nor JSON",
  ],
  [/Malformed JSON/, "Invalid JSON: syntax error"],
  [/Column "([^"]+)" referenced that exists in the SELECT clause/, "Unrecognized name: $1"],
  [
    /No function matches the given name and argument types '(\w+)\(([^']*)\)'/,
    "No matching signature for $1 for argument types: $2",
  ],
  [/Could not convert string '([^']*)' to (\w+)/, "Bad $2 value: $1"],
  [/^[A-Z][A-Za-z ]* Error: ([\s\S]*)/, "$1"],
];

/**
 * Puts an error that DuckDB raised for a translated statement, while binding or while executing it, into BigQuery's
 * words. What is not known keeps DuckDB's first line. The reason is always `invalidQuery`.
 */
export function explainEngineError(message: string): QueryError {
  const found = translations.find(([pattern]) => pattern.test(message));
  const match = found?.[0].exec(message);
  const text =
    found && match ? found[1].replaceAll(/\$(\d)/g, (_, group: string) => match[Number(group)] ?? "") : message;
  const firstLine = text.split("\n")[0]?.trim() ?? text;
  return new QueryError("invalidQuery", renameTypes(firstLine), { location: "query" });
}

function renameTypes(text: string): string {
  const unwrapped = text.replaceAll(/bq_type<(.*?)>/g, "$1");
  return unwrapped.replaceAll(duckdbType, (name) => typeNames[name] ?? name);
}
