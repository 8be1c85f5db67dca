import { StatementFault } from "../errors.ts";

/** Format elements that DuckDB writes exactly as BigQuery does. */
const written: Readonly<Record<string, string>> = {
  "%Y": "%Y",
  "%m": "%m",
  "%d": "%d",
  "%H": "%H",
  "%I": "%I",
  "%M": "%M",
  "%S": "%S",
  "%p": "%p",
  "%y": "%y",
  "%j": "%j",
  "%a": "%a",
  "%A": "%A",
  "%b": "%b",
  "%h": "%b",
  "%B": "%B",
  "%G": "%G",
  "%V": "%V",
  "%u": "%u",
  "%w": "%w",
  "%U": "%U",
  "%W": "%W",
  "%F": "%Y-%m-%d",
  "%D": "%m/%d/%y",
  "%T": "%H:%M:%S",
  "%R": "%H:%M",
  "%E3S": "%S.%g",
  "%E6S": "%S.%f",
  "%E4Y": "%Y",
  "%%": "%%",
};

/** Format elements that DuckDB reads as BigQuery does. */
const readable: ReadonlySet<string> = new Set([
  "%Y",
  "%m",
  "%d",
  "%H",
  "%M",
  "%S",
  "%F",
  "%T",
  "%R",
  "%b",
  "%h",
  "%B",
  "%%",
  "%D",
  "%y",
  "%I",
  "%p",
  "%E4Y",
]);

const elements = /(%(?:E[0-9*]?[A-Za-z]|[A-Za-z%]|$))/;

/** The strftime pattern of a BigQuery format string. A date has no clock, so its format must not ask for one. */
export function writingPattern(format: string, offset: number, isDate: boolean): string {
  const pattern = format.split(elements).map((part, index) => {
    if (index % 2 === 0) return part.replaceAll("%", "%%");
    const mapped = Object.hasOwn(written, part) ? written[part] : undefined;
    if (mapped === undefined || (isDate && /%[HIMSpgf]/.test(mapped))) throw unsupported(part, offset);
    return mapped;
  });
  return pattern.join("");
}

/**
 * The strptime patterns of a BigQuery format string, to be tried in order. What a format leaves out is 1970-01-01 for
 * BigQuery and 1900-01-01 for DuckDB: year, month and day must all be in it.
 */
export function readingPatterns(
  format: string,
  offset: number,
  isDate: boolean,
): { patterns: string[]; zoned: boolean } {
  let zoned = false;
  let seen = "";
  let patterns = [""];
  for (const [index, part] of format.split(elements).entries()) {
    let choices = [part.replaceAll("%", "%%")];
    if (index % 2 === 1) {
      if (part === "%E*S" || part === "%E6S" || part === "%E3S") choices = ["%S.%f", "%S"];
      else if (part === "%z" || part === "%Ez") choices = ["%z"];
      else if (readable.has(part)) choices = [written[part] ?? ""];
      else throw unsupported(part, offset);
      if (isDate && /%[HIMSpz]/.test(choices.join(""))) throw unsupported(part, offset);
      zoned ||= choices[0] === "%z";
      seen += choices.join("");
    }
    patterns = patterns.flatMap((pattern) => choices.map((choice) => pattern + choice));
  }
  const hasDate = /%[Yy]/.test(seen) && /%[mbB]/.test(seen) && /%d/.test(seen);
  if (!hasDate || patterns.length > 4) {
    throw new StatementFault(
      "Formats that do not name year, month and day once are not supported by this warehouse",
      offset,
    );
  }
  return { patterns, zoned };
}

function unsupported(element: string, offset: number): StatementFault {
  return new StatementFault(`Format element ${element} is not supported by this warehouse`, offset);
}
