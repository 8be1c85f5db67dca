import { IndelibleError } from "@indelible/schemas/errors.ts";
import { InvalidArgumentError } from "commander";

/** Parses the value of an option that stays a text, once `check` has accepted it: what `check` refuses is wrong usage, and not a failure. */
export function checkedText(check: (text: string) => unknown): (text: string) => string {
  return (text) => {
    try {
      check(text);
    } catch (error) {
      if (!IndelibleError.is(error)) throw error;
      throw new InvalidArgumentError(`${error.message}. ${error.hint}`);
    }
    return text;
  };
}
