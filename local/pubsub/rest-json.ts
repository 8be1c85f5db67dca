import { StatusError } from "./status.ts";
import { toSecondsAndNanos } from "./time.ts";

/** The fields of `google.pubsub.v1` whose JSON form differs from the object form: "3.5s", RFC 3339 times, base64. */
const DURATIONS: ReadonlySet<string> = new Set([
  "messageRetentionDuration",
  "topicMessageRetentionDuration",
  "minimumBackoff",
  "maximumBackoff",
  "ttl",
]);
const TIMES: ReadonlySet<string> = new Set(["publishTime", "time"]);
const BYTES: ReadonlySet<string> = new Set(["data"]);

const DURATION = /^(\d+(?:\.\d{1,9})?)s$/;

/** A request body as the object that gRPC would have brought. @throws {StatusError} INVALID_ARGUMENT */
export function fromJson(value: unknown): unknown {
  return convert(value, (key, field) => {
    if (typeof field !== "string") return undefined;
    if (BYTES.has(key)) return Buffer.from(field, "base64");
    if (DURATIONS.has(key)) return toSecondsAndNanos(Number(DURATION.exec(field)?.[1] ?? invalid(key)) * 1000);
    if (TIMES.has(key)) return toSecondsAndNanos(Date.parse(field) || invalid(key));
    return undefined;
  });
}

/** A response in Google's JSON form. */
export function toJson(value: unknown): unknown {
  return convert(value, (key, field) => {
    if (BYTES.has(key)) return (field as Buffer).toString("base64");
    if (!DURATIONS.has(key) && !TIMES.has(key)) return undefined;
    const { seconds, nanos } = field as { seconds: number; nanos: number };
    const ms = seconds * 1000 + nanos / 1e6;
    return TIMES.has(key) ? new Date(ms).toISOString() : `${ms / 1000}s`;
  });
}

/** A copy of `value` in which `field` replaced every member that it has an answer for. */
function convert(value: unknown, field: (key: string, value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item, field));
  if (typeof value !== "object" || value === null) return value;
  // What users name themselves is not ours to convert.
  const convertMember = (key: string, member: unknown): unknown =>
    key === "attributes" || key === "labels" ? member : (field(key, member) ?? convert(member, field));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, convertMember(key, member)]));
}

function invalid(key: string): never {
  throw new StatusError("INVALID_ARGUMENT", `The field ${key} is malformed.`);
}
