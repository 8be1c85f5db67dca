import { formatTimestamp } from "@indelible/schemas/timestamp.ts";

export type Dimension = "agent" | "model" | "tool" | "day";

/** What sums can be by, and the columns that tell them apart. */
export const dimensions: { readonly [D in Dimension]: readonly string[] } = {
  agent: ["business_id", "agent_position"],
  model: ["model_provider", "model_name"],
  tool: ["server_name", "tool_name"],
  day: ["day"],
};

/** What is looked at. What is undefined restricts nothing. */
export interface CostScope {
  /** At least one. */
  readonly by: readonly Dimension[];
  /** Microseconds since 1970, by the agents' clocks; `until` is not in it. */
  readonly since: number;
  readonly until?: number;
  /** `agent_position`. */
  readonly agent?: string;
  /** `business_id`. */
  readonly business?: string;
}

/** That a row with a time in the column `time` is in the scope. */
export function conditionOf({ until, agent, business }: CostScope, time: string): string {
  return [
    `${time} >= @since`,
    ...(until === undefined ? [] : [`${time} < @until`]),
    ...(agent === undefined ? [] : ["agent_position = @agent"]),
    ...(business === undefined ? [] : ["business_id = @business"]),
  ].join(" AND ");
}

/** Values of the parameters that `conditionOf` uses, and their types. */
export function parametersOf({ since, until, agent, business }: CostScope): {
  readonly params: { readonly [name: string]: unknown };
  readonly types: { [name: string]: string };
} {
  const moment = (micros: number): object => ({ value: formatTimestamp(micros) });
  const params = {
    since: moment(since),
    ...(until !== undefined && { until: moment(until) }),
    ...(agent !== undefined && { agent }),
    ...(business !== undefined && { business }),
  };
  const types = Object.keys(params).map((name) => [
    name,
    name === "since" || name === "until" ? "TIMESTAMP" : "STRING",
  ]);
  return { params, types: Object.fromEntries(types) };
}
