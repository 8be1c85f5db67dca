import type { ScalarTypeName, SqlType } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import type { TokenStream } from "./stream.ts";

const scalarTypes: Readonly<Record<string, ScalarTypeName>> = {
  STRING: "STRING",
  INT64: "INT64",
  INT: "INT64",
  INTEGER: "INT64",
  BIGINT: "INT64",
  SMALLINT: "INT64",
  TINYINT: "INT64",
  BYTEINT: "INT64",
  FLOAT64: "FLOAT64",
  BOOL: "BOOL",
  BOOLEAN: "BOOL",
  BYTES: "BYTES",
  TIMESTAMP: "TIMESTAMP",
  DATE: "DATE",
  DATETIME: "DATETIME",
  NUMERIC: "NUMERIC",
  DECIMAL: "NUMERIC",
  JSON: "JSON",
};

const otherTypes = new Set(["TIME", "BIGNUMERIC", "BIGDECIMAL", "GEOGRAPHY", "INTERVAL", "RANGE", "UUID"]);

/** The scalar type of that name, with BigQuery's aliases for it (INTEGER, BOOLEAN, DECIMAL and so on). */
export function scalarType(name: string): ScalarTypeName | undefined {
  const upper = name.toUpperCase();
  return Object.hasOwn(scalarTypes, upper) ? scalarTypes[upper] : undefined;
}

/** A type as it stands in a CAST or before an array or struct constructor. */
export function parseType(stream: TokenStream): SqlType {
  return stream.nested(() => {
    if (stream.acceptWord("ARRAY")) {
      stream.expectSymbol("<");
      const element = parseType(stream);
      closeAngle(stream);
      return { kind: "ARRAY", element };
    }
    if (stream.acceptWord("STRUCT")) {
      stream.expectSymbol("<");
      const fields = stream.list(() => parseFieldType(stream));
      closeAngle(stream);
      return { kind: "STRUCT", fields };
    }
    return parseScalarType(stream);
  });
}

function parseFieldType(stream: TokenStream): { name?: string; type: SqlType } {
  const following = stream.peek(1);
  const isNamed = stream.isName() && (following.kind === "identifier" || following.kind === "quotedIdentifier");
  if (!isNamed) return { type: parseType(stream) };
  return { name: stream.expectName().text, type: parseType(stream) };
}

function parseScalarType(stream: TokenStream): SqlType {
  const token = stream.peek();
  const type = token.kind === "identifier" ? scalarType(token.text) : undefined;
  if (!type) {
    if (otherTypes.has(token.text.toUpperCase())) {
      throw new StatementFault(`Type ${token.text.toUpperCase()} is not supported by this warehouse`, token.start);
    }
    if (token.kind !== "identifier") throw stream.unexpected("type");
    throw new StatementFault(`Type not found: ${token.text}`, token.start);
  }
  stream.next();
  if (stream.isSymbol("("))
    throw new StatementFault("Parameterized types are not supported by this warehouse", token.start);
  return { kind: type };
}

/** Closes one `<`. The two of `ARRAY<STRUCT<x INT64>>` arrive as one token, half of which is left for the outer type. */
function closeAngle(stream: TokenStream): void {
  if (stream.splitSymbol(">>", ">")) return;
  stream.expectSymbol(">");
}
