import { errorKinds, type ErrorCode } from "@indelible/schemas/errors.ts";
import { jsonText } from "../terminal/json-text.ts";
import type { GroupKey } from "./letter.ts";

/** Stands in a command where only a person knows what belongs there. It is no JSON, so that a command that still has it does nothing. */
export const FILL_IN = "FILL_IN";

/** What to do about dead letters. */
export interface Advice {
  readonly text: string;
  /** Arguments of `indelible dlq` that do it. */
  readonly command: readonly string[];
}

type Kind = "replay" | "edit" | "send anew" | "discard";

const kinds: { readonly [code in ErrorCode]?: Kind } = {
  ERR_CORRUPT_DATA: "replay",
  ERR_DELIVERY_ATTEMPTS: "replay",
  ERR_DUPLICATE_KEY: "send anew",
  ERR_EMPTY: "discard",
  ERR_INVALID_EVENT: "edit",
  ERR_LONE_SURROGATE: "send anew",
  ERR_LOSSY_NUMBER: "edit",
  ERR_NOT_JSON: "send anew",
  ERR_NOT_UTF8: "send anew",
  ERR_ROW_REFUSED: "replay",
  ERR_TOO_DEEP: "edit",
  ERR_TOO_LARGE: "edit",
  ERR_UNEXPLAINED: "discard",
  ERR_UNKNOWN_ENCODING: "replay",
  ERR_UNKNOWN_FIELD: "edit",
};

/**
 * What to do about dead letters with this reason and detail: the last command of the way from a dead letter to an accepted entry. Where the
 * detail names the field, so does the patch; values that nobody but the reader can know are {@link FILL_IN}.
 *
 * @param name of the group or the dead letter
 */
export function adviceOf({ reason }: Pick<GroupKey, "reason">, detail: string, name: string): Advice {
  const code = Object.hasOwn(errorKinds, reason) ? (reason as ErrorCode) : undefined;
  const hint = code === undefined ? "Nothing is known of this reason." : errorKinds[code].hint;
  switch (code === undefined ? undefined : kinds[code]) {
    case "edit": {
      const { operation, text } = operationOf(detail);
      return {
        text: `${hint} Mend what sends them first, or new ones keep coming.\n${text}`,
        command: ["replay", name, "--edit", `[${operation}]`],
      };
    }
    case "send anew":
      return {
        text: `${hint}\nA patch cannot say what was meant. Send the event anew, with the log_id that \`show\` prints of each; then discard it.`,
        command: ["discard", name, "--note", "sent anew"],
      };
    case "discard":
      return { text: `${hint}\nThere is nothing to replay.`, command: ["discard", name] };
    case "replay":
      return { text: `${hint}\nWhen that is done, they can be replayed as they are.`, command: ["replay", name] };
    default:
      return { text: hint, command: ["replay", name, "--dry-run"] };
  }
}

/** The operation of a JSON Patch that mends what the validator says (schemas/validator.ts), and what to know of it. */
function operationOf(detail: string): { readonly operation: string; readonly text: string } {
  const [, unknownIn = "", quotedName = ""] =
    /^(.+) has the field ("(?:[^"\\]|\\.)*"), which \w+ does not$/.exec(detail) ?? [];
  const name = nameOf(quotedName);
  if (name !== undefined) {
    const path = jsonOf(`${pointerOf(unknownIn)}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
    return {
      operation: `{"op":"remove","path":${path}}`,
      text: "This removes the field; its value stays in the dead letter. If it was meant to be a column, `move` it there instead.",
    };
  }
  const [, lackingIn = "", missing = ""] = /^(.+) lacks (\w+)$/.exec(detail) ?? [];
  if (lackingIn !== "") {
    const path = jsonOf(`${pointerOf(lackingIn)}/${missing}`);
    return { operation: `{"op":"add","path":${path},"value":${FILL_IN}}`, text: fillIn };
  }
  const [, place = ""] = /^(\S+) must /.exec(detail) ?? [];
  if (place !== "") {
    return {
      operation: `{"op":"replace","path":${jsonOf(pointerOf(place))},"value":${FILL_IN}}`,
      text: fillIn,
    };
  }
  return {
    operation: `{"op":"replace","path":"/${FILL_IN}","value":${FILL_IN}}`,
    text: `${fillIn} The path is the field's, such as /action_details/amount.`,
  };
}

const fillIn = `Put JSON in place of ${FILL_IN}: a number, or a text in double quotes. All that are replayed get the same.`;

/** Undefined when it is no JSON: whoever may publish dead letters also writes their details. */
function nameOf(quoted: string): string | undefined {
  try {
    const name: unknown = JSON.parse(quoted);
    return typeof name === "string" ? name : undefined;
  } catch {
    return undefined;
  }
}

/** A JSON Pointer of a place as the validator writes it: `the event`, or names and positions with dots between. */
function pointerOf(place: string): string {
  return place === "the event" ? "" : `/${place.replaceAll(".", "/")}`;
}

/** Escapes what is not to be seen on a terminal. */
function jsonOf(text: string): string {
  return jsonText(text, 0).trimEnd();
}
