/**
 * Cloud Logging's query language, as far as our queries use it: comparisons, lists of values, NOT before OR before AND, and AND where nothing
 * stands. Texts are compared without regard to case, regular expressions are not.
 */
import { valueAt } from "./nodes.ts";

export type LogEntry = { readonly [field: string]: unknown };

type Test = (entry: LogEntry) => boolean;

/** Whether an entry is among those that the query finds. @throws Error when the query is not understood */
export function matches(query: string, entry: LogEntry): boolean {
  return parse(query)(entry);
}

function parse(query: string): Test {
  const tokens = query.match(/"(?:[^"\\]|\\.)*"|=~|[<>!]=|[()=:<>]|[^\s()=:<>!"]+/g) ?? [];
  let at = 0;
  const next = (): string => tokens[at++] ?? "";
  const expect = (token: string): void => {
    const found = next();
    if (found !== token) throw new Error(`expected ${token}, found ${found} in ${query}`);
  };

  const all = (): Test => {
    const tests = [some()];
    while (at < tokens.length && tokens[at] !== ")") {
      if (tokens[at] === "AND") at += 1;
      tests.push(some());
    }
    return (entry) => tests.every((test) => test(entry));
  };
  const some = (): Test => {
    const tests = [one()];
    while (tokens[at] === "OR") {
      at += 1;
      tests.push(one());
    }
    return (entry) => tests.some((test) => test(entry));
  };
  const one = (): Test => {
    const token = next();
    if (token === "NOT") {
      const test = one();
      return (entry) => !test(entry);
    }
    if (token === "(") {
      const test = all();
      expect(")");
      return test;
    }
    if (token === "log_id") {
      expect("(");
      const id = unquoted(next());
      expect(")");
      return ({ logName }) => logName === `projects/acme-agents/logs/${encodeURIComponent(id)}`;
    }
    if (!/^[a-z][\w.]*$/i.test(token)) throw new Error(`${token} is no field in ${query}`);
    const operator = next();
    const compared = values().map((value) => comparison(operator, value));
    return (entry) => compared.some((test) => test(valueAt(entry, token)));
  };
  const values = (): string[] => {
    if (tokens[at] !== "(") return [unquoted(next())];
    at += 1;
    const list = [unquoted(next())];
    while (tokens[at] === "OR") {
      at += 1;
      list.push(unquoted(next()));
    }
    expect(")");
    return list;
  };

  const test = all();
  if (at < tokens.length) throw new Error(`${tokens[at]} is too much in ${query}`);
  return test;
}

function comparison(operator: string, value: string): (found: unknown) => boolean {
  const lower = value.toLowerCase();
  switch (operator) {
    case "=":
      return (found) => String(found ?? "").toLowerCase() === lower;
    case ":":
      return (found) => found !== undefined && (value === "*" || String(found).toLowerCase().includes(lower));
    case "=~": {
      const [, flag, pattern = value] = /^\(\?(i)\)(.*)$/s.exec(value) ?? [];
      const form = new RegExp(pattern, flag);
      return (found) => found !== undefined && form.test(String(found));
    }
    case ">":
      return (found) => Number(found) > Number(value);
    case ">=":
      return (found) => found !== undefined && severities.indexOf(String(found)) >= severities.indexOf(value);
    default:
      throw new Error(`${operator} is no operator`);
  }
}

const severities = ["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"];

function unquoted(token: string): string {
  return token.startsWith('"') ? String(JSON.parse(token)) : token;
}
