import { StatusError } from "./status.ts";

export interface PageRequest {
  pageSize?: number | null;
  pageToken?: string | null;
}

export interface Page<Row> {
  readonly rows: Row[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** One page of `rows` in the order of their names, 100 unless asked otherwise, 1,000 at most. */
export function page<Row>(rows: Iterable<Row>, nameOf: (row: Row) => string, request: PageRequest): Page<Row> {
  const pageSize = request.pageSize ?? 0;
  if (pageSize < 0) throw new StatusError("INVALID_ARGUMENT", "page_size must not be negative.");
  const limit = Math.min(pageSize || 100, 1000);
  const after = request.pageToken ?? "";
  const remaining = [...rows].filter((row) => nameOf(row) > after).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const rowsOfPage = remaining.slice(0, limit);
  const last = rowsOfPage.at(-1);
  return { rows: rowsOfPage, nextPageToken: remaining.length > limit && last !== undefined ? nameOf(last) : "" };
}
