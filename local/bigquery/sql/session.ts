import { StatementFault } from "./errors.ts";
import { readParameter } from "./parameters.ts";
import type { DuckDBBinding, ReadyParameter } from "./parameters.ts";
import type { ParameterReference, Session } from "./printer/scope.ts";
import type { TableRef, TranslationContext } from "./translate.ts";
import { duckdbTypeName } from "./types.ts";

/** What is gathered while a statement is printed: its bindings, and the tables that it reads, each once. */
export type OpenSession = {
  readonly session: Session;
  readonly bindings: DuckDBBinding[];
  readonly tables: ReadonlyMap<string, TableRef>;
};

export function openSession(context: TranslationContext): OpenSession {
  const tables = new Map<string, TableRef>();
  const bindings: DuckDBBinding[] = [];
  const session: Session = {
    ...parameterSession(context, bindings),
    table: (path, at) => findTable(path, at, context, tables),
  };
  return { session, bindings, tables };
}

function parameterSession(
  { parameters, parameterMode }: TranslationContext,
  bindings: DuckDBBinding[],
): Pick<Session, "parameter" | "bound"> {
  const ready = parameters.map((parameter) => readParameter(parameter));
  const places = new Map<ReadyParameter, number>();
  const parameter = ({ name, index, at }: ParameterReference): ReadyParameter => {
    const isNamed = name !== undefined;
    const mode = isNamed ? "POSITIONAL" : "NAMED";
    if (parameterMode === mode) {
      const kind = isNamed ? "Named" : "Positional";
      throw new StatementFault(`${kind} parameters are not supported in ${mode} parameter mode`, at);
    }
    const lower = name?.toLowerCase();
    const found = isNamed ? ready.find((candidate) => candidate.name?.toLowerCase() === lower) : ready[index];
    if (found) return found;
    const message = isNamed
      ? `Query parameter '${name}' not found`
      : `Query parameter number ${index + 1} is not defined`;
    throw new StatementFault(message, at);
  };
  const bound = (reference: ParameterReference): string => {
    const found = parameter(reference);
    const place = places.get(found) ?? bindings.push(found.binding);
    places.set(found, place);
    return `CAST($${place} AS ${duckdbTypeName(found.type)})`;
  };
  return { parameter, bound };
}

function findTable(
  path: readonly string[],
  at: number,
  context: TranslationContext,
  tables: Map<string, TableRef>,
): string {
  const ref = refOf(path, at, context);
  const resolved = context.resolveTable(ref);
  const key = `${ref.projectId}:${ref.datasetId}.${ref.tableId}`;
  if (resolved === undefined) throw new StatementFault(`Not found: Table ${key}`, undefined, "notFound");
  tables.set(key, ref);
  return resolved;
}

/** The table that a path names. @throws {StatementFault} */
export function refOf(path: readonly string[], at: number, context: TranslationContext): TableRef {
  const written = path.join(".");
  if (path.some((part) => part.toUpperCase() === "INFORMATION_SCHEMA")) {
    throw new StatementFault(
      "INFORMATION_SCHEMA is not supported by this warehouse: ask its REST API for datasets and tables",
      at,
    );
  }
  const ref = readTableRef(path, context);
  if (!ref)
    throw new StatementFault(`Table "${written}" must be qualified with a dataset (e.g. dataset.table)`, at, "invalid");
  if (ref.tableId.includes("*")) throw new StatementFault("Wildcard tables are not supported by this warehouse", at);
  return ref;
}

function readTableRef(path: readonly string[], context: TranslationContext): TableRef | undefined {
  const [tableId, datasetId, ...project] = path.toReversed();
  if (tableId === undefined || path.includes("")) return undefined;
  if (datasetId === undefined) return context.defaultDataset && { ...context.defaultDataset, tableId };
  // Projects of a domain have a dot in their names: `example.com:project`.
  const projectId = project.length > 0 ? project.toReversed().join(".") : context.projectId;
  return { projectId, datasetId, tableId };
}
