import type { JsonValue } from "@indelible/schemas/columns.ts";
import { argumentsOf } from "./content.ts";
import { isObject } from "../json.ts";
import type { Message } from "./transcript.ts";

/** A tool call that an assistant made. */
export interface ToolCall {
  /** What its result refers to; undefined in the old form with `function_call`, where the name does that. */
  readonly id: string | undefined;
  readonly name: string;
  readonly arguments: JsonValue;
}

/** The calls in an assistant's message: `tool_calls`, or the `function_call` of the old form. */
export function callsIn(message: Message): ToolCall[] {
  const { tool_calls: calls, function_call: oldCall } = message;
  const found = Array.isArray(calls) ? calls.map(callOf) : calls === null || calls === undefined ? [] : [callOf(calls)];
  if (oldCall !== null && oldCall !== undefined) found.push(callOf({ function: oldCall }));
  return found;
}

function callOf(value: unknown): ToolCall {
  if (!isObject(value)) return { id: undefined, name: "unknown", arguments: argumentsOf(value) };
  const id = typeof value["id"] === "string" ? value["id"] : undefined;
  const { function: called, custom } = value;
  if (isObject(called)) return { id, name: nameOf(called["name"]), arguments: argumentsOf(called["arguments"]) };
  if (isObject(custom)) return { id, name: nameOf(custom["name"]), arguments: argumentsOf(custom["input"]) };
  // A kind of call that we do not know is kept whole.
  return { id, name: nameOf(value["type"]), arguments: argumentsOf(value) };
}

/** A tool's name as the columns take it. */
export function nameOf(value: unknown): string {
  return typeof value === "string" && value !== ""
    ? Array.from(value.toWellFormed()).slice(0, 256).join("")
    : "unknown";
}

/** Calls that wait for their results. */
export class OpenCalls<C extends ToolCall> {
  readonly #open: C[] = [];

  get count(): number {
    return this.#open.length;
  }

  add(call: C): void {
    this.#open.push(call);
  }

  /**
   * The call that a tool's message answers: the latest with the ID that it names, for some agents use an ID again;
   * without an ID, the first of its name. Undefined when there is none.
   */
  take(result: Message): C | undefined {
    const { tool_call_id: id, name } = result;
    const index =
      id === undefined || id === null
        ? this.#open.findIndex((call) => call.name === nameOf(name))
        : this.#open.findLastIndex((call) => call.id === id);
    return index === -1 ? undefined : this.#open.splice(index, 1)[0];
  }
}
