import type { FunctionTable } from "./rule.ts";

export const conditionFunctions: FunctionTable = {
  IF: {
    arguments: "bool any any",
    print: (condition, yes, no) => `CASE WHEN ${condition} THEN ${yes} ELSE ${no} END`,
  },
  COALESCE: { arguments: "any ...", print: (...printed) => `coalesce(${printed.join(", ")})` },
  IFNULL: { arguments: "any any", print: (value, fallback) => `coalesce(${value}, ${fallback})` },
  NULLIF: { arguments: "comparable comparable", print: (value, absent) => `nullif(${value}, ${absent})` },
};
