import { arrayFunctions } from "./arrays.ts";
import { conditionFunctions } from "./conditions.ts";
import { dateFunctions } from "./dates.ts";
import { jsonFunctions } from "./json.ts";
import { numberFunctions } from "./numbers.ts";
import { regexpFunctions } from "./regexps.ts";
import type { FunctionRule, FunctionTable, SpecialRule } from "./rule.ts";
import { stringFunctions } from "./strings.ts";

const functions: FunctionTable = {
  ...stringFunctions,
  ...regexpFunctions,
  ...numberFunctions,
  ...conditionFunctions,
  ...arrayFunctions,
  ...jsonFunctions,
  ...dateFunctions,
};

/** The rule of a scalar function, by its name in capitals. What is not in the catalog is not answered. */
export function findFunction(name: string): FunctionRule | SpecialRule | undefined {
  return Object.hasOwn(functions, name) ? functions[name] : undefined;
}
