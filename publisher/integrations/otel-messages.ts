/** Prompts and responses, in the forms in which spans carry them. */
import { isObject, parsedOf, textOf, type Attributes } from "./otel-attributes.ts";

/** The publisher cuts a preview to 500 code points; twice as many UTF-16 units hold them. */
const PREVIEW_CHARACTERS = 1_000;

export interface SpanEvent {
  readonly name: string;
  readonly attributes?: Attributes | undefined;
}

/** The last thing that the user said, or, where nobody is called user, the last text at all. */
export function promptOf(attributes: Attributes, events: readonly SpanEvent[]): string | undefined {
  return (
    lastFrom("user", attributes["gen_ai.input.messages"]) ??
    lastFrom("user", attributes["ai.prompt.messages"]) ??
    lastIndexed("gen_ai.prompt", attributes, "user") ??
    textOfPrompt(attributes["ai.prompt"]) ??
    preview(attributes["gen_ai.prompt"]) ??
    firstIn(events, (name, of) => {
      if (name === "gen_ai.user.message") return preview(of["content"]) ?? textOfPrompt(of["gen_ai.event.content"]);
      if (name === "gen_ai.content.prompt") return textOfPrompt(of["gen_ai.prompt"]);
      return name === DETAILS ? lastFrom("user", of["gen_ai.input.messages"]) : undefined;
    })
  );
}

/** What the model said; undefined when it only called tools. */
export function responseOf(attributes: Attributes, events: readonly SpanEvent[]): string | undefined {
  return (
    lastFrom("assistant", attributes["gen_ai.output.messages"]) ??
    lastIndexed("gen_ai.completion", attributes, "assistant") ??
    preview(attributes["ai.response.text"]) ??
    preview(attributes["ai.response.object"]) ??
    preview(attributes["gen_ai.completion"]) ??
    firstIn(events, (name, of) => {
      if (name === "gen_ai.choice") return choiceOf(of["message"]) ?? choiceOf(of["gen_ai.event.content"]);
      if (name === "gen_ai.content.completion") return textOfPrompt(of["gen_ai.completion"]);
      return name === DETAILS ? lastFrom("assistant", of["gen_ai.output.messages"]) : undefined;
    })
  );
}

/** The event that carries messages where they are not attributes of the span. */
const DETAILS = "gen_ai.client.inference.operation.details";

function preview(value: unknown): string | undefined {
  return textOf(value, PREVIEW_CHARACTERS);
}

function firstIn(
  events: readonly SpanEvent[],
  read: (name: string, attributes: Attributes) => string | undefined,
): string | undefined {
  for (const { name, attributes } of events) {
    const text = attributes === undefined ? undefined : read(name, attributes);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Of a JSON array of messages: the text of the last of `role`, else of the last one with a text. */
function lastFrom(role: string, value: unknown): string | undefined {
  const messages = parsedOf(value);
  if (!Array.isArray(messages)) return undefined;
  return lastMessage(role, messages) ?? lastMessage(undefined, messages);
}

function lastMessage(role: string | undefined, messages: readonly unknown[]): string | undefined {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message: unknown = messages[index];
    if (!isObject(message) || (role !== undefined && message["role"] !== role)) continue;
    const text = textOfContent(message["parts"] ?? message["content"]);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** A text, or an array of parts, of which those that are text count. */
function textOfContent(content: unknown): string | undefined {
  if (!Array.isArray(content)) return preview(content);
  let text = "";
  for (const part of content as unknown[]) {
    if (text.length >= PREVIEW_CHARACTERS) break;
    if (!isObject(part) || part["type"] !== "text") continue;
    text += textOf(part["content"] ?? part["text"], PREVIEW_CHARACTERS) ?? "";
  }
  return preview(text);
}

/** A prompt as one attribute: a text, or JSON of messages, or of an object with messages or a prompt. */
function textOfPrompt(value: unknown): string | undefined {
  const prompt = parsedOf(value);
  if (Array.isArray(prompt)) return lastFrom("user", prompt);
  if (!isObject(prompt)) return preview(value);
  return lastFrom("user", prompt["messages"]) ?? textOfContent(prompt["prompt"] ?? prompt["content"]);
}

function choiceOf(value: unknown): string | undefined {
  const choice = parsedOf(value);
  if (!isObject(choice)) return undefined;
  return textOfContent(choice["content"]) ?? choiceOf(choice["message"]);
}

/** More messages than this are not looked at in the flat form. */
const MAX_INDEXED = 10_000;

/** OpenLLMetry's flat form: `<prefix>.<n>.role` and `<prefix>.<n>.content`, from 0. */
function lastIndexed(prefix: string, attributes: Attributes, role: string): string | undefined {
  let last: string | undefined;
  let lastOfRole: string | undefined;
  for (let index = 0; index < MAX_INDEXED; index += 1) {
    const name = `${prefix}.${index}`;
    const content = attributes[`${name}.content`];
    if (content === undefined && attributes[`${name}.role`] === undefined) break;
    const text = contentOf(content);
    if (text === undefined) continue;
    last = text;
    if (attributes[`${name}.role`] === role) lastOfRole = text;
  }
  return lastOfRole ?? last;
}

/** OpenLLMetry writes content that has parts as JSON. */
function contentOf(value: unknown): string | undefined {
  if (typeof value !== "string" || !value.startsWith("[{")) return preview(value);
  const parts = parsedOf(value);
  return Array.isArray(parts) ? textOfContent(parts) : preview(value);
}
