import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Conversation, Log } from "../log.ts";
import { loadPrices } from "./cost.ts";
import { guard } from "./guard.ts";
import { follow } from "./openai-answering.ts";
import { Call, type CallLog } from "./openai-call.ts";
import { providerOf } from "./openai-provider.ts";
import { bindMethod, overlay, uncover } from "./overlay.ts";
import { field, type CallFields } from "./reading.ts";

export type { CallFields } from "./reading.ts";

export interface OpenAIOptions {
  /** `model_provider`. Default: by the client's base URL; the host's name where that is not known. */
  readonly modelProvider?: string;
  /** Columns of every entry. */
  readonly fields?: CallFields;
  /**
   * True: asks for the usage of streamed chat completions, which then have one chunk more, without choices. Default:
   * false, and such a call has tokens only where the caller asks for them.
   */
  readonly includeUsage?: boolean;
}

/** The methods that are logged, and the way to them. */
interface Endpoints {
  readonly [name: string]: Endpoints | "create";
}

const endpoint: Endpoints = { create: "create" };

const endpoints: Endpoints = {
  chat: { completions: endpoint },
  completions: endpoint,
  responses: endpoint,
  embeddings: endpoint,
  beta: { responses: endpoint, chat: { completions: endpoint } },
};

const callFields: unique symbol = Symbol("indelible.callFields");

/**
 * Request options with columns for the entry of that one call:
 * `client.chat.completions.create(body, logged({ conversation_id: "c1" }))`.
 *
 * @param options the request options that the call has besides
 */
export function logged<O extends object>(fields: CallFields, options: O = {} as O): O {
  return { ...options, [callFields]: { ...callFieldsOf(options), ...fields } };
}

/**
 * Gives a client whose calls of models are logged as well, each as one entry when it has ended. Answers, streams and
 * errors are those of `client`, which stays as it is; nothing is awaited in addition, and nothing that goes wrong with
 * the log reaches the caller. What is derived from it, by `withOptions()`, is logged too. Wrapping a wrapped client
 * replaces the wrapping, so nothing is logged twice.
 *
 * Without a conversation a call is one, and becomes an entry of `conversations`. A call that belongs to one, which is
 * given here as `log`, or by its `conversation_id` in `fields` or {@link logged}, becomes one of `action_logs`.
 *
 * @param log a publisher; or a conversation, which all calls then belong to
 * @throws ERR_CONFIG if `client` is no object
 */
export function logOpenAI<C extends object>(
  client: C,
  log: Pick<Log, "conversation" | "action"> | Pick<Conversation, "id" | "action">,
  options: OpenAIOptions = {},
): C {
  if (typeof client !== "object" || client === null) {
    throw new IndelibleError("ERR_CONFIG", "logOpenAI() takes a client of the openai package", {
      hint: "logOpenAI(new OpenAI(), log)",
    });
  }
  // While everything is being set up rather than at the end of the first call. OpenRouter says itself what a call costs.
  if (providerOf(client) !== "openrouter") loadPrices();
  return overlayClient(uncover(client), log, options);
}

type Method = (...args: readonly unknown[]) => unknown;

function overlayClient<C extends object>(client: C, log: CallLog, options: OpenAIOptions): C {
  const seen: C = overlayPart(client, endpoints);
  return seen;

  function overlayPart<P extends object>(part: P, names: Endpoints): P {
    return overlay(part, (key, value) => {
      const within = typeof key === "string" && Object.hasOwn(names, key) ? names[key] : undefined;
      if (typeof within === "object") return isObject(value) ? overlayPart(value, within) : value;
      if (within === "create" && typeof value === "function") return create(part, value as Method);
      // Helpers such as parse(), stream() and runTools() call create() by way of the client, so they must see this one.
      if (key === "_client" && value === client) return seen;
      if (part !== (client as object)) return value;
      if (key === "withOptions" && typeof value === "function") {
        return (...args: readonly unknown[]) => {
          const derived: unknown = Reflect.apply(value, client, args);
          return isObject(derived) ? overlayClient(derived, log, options) : derived;
        };
      }
      return bindMethod(client, key, value);
    });
  }

  function create(part: object, method: Method): Method {
    return (body, requestOptions, ...further) => {
      let call: Call | undefined;
      let request = body;
      let bare = requestOptions;
      guard("openai", () => {
        const own = callFieldsOf(requestOptions);
        call = new Call(log, {
          provider: options.modelProvider ?? providerOf(client),
          body,
          signal: field(requestOptions, "signal"),
          fields: { ...options.fields, ...own },
        });
        if (options.includeUsage === true && field(body, "stream") === true) request = withUsage(body);
        if (own !== undefined) bare = withoutCallFields(requestOptions as object);
      });
      let answer: unknown;
      try {
        answer = Reflect.apply(method, part, [request, bare, ...further]);
      } catch (error) {
        call?.failed(error);
        throw error;
      }
      return call === undefined ? answer : follow(answer, call);
    };
  }
}

/** The request with `include_usage`, where it does not say whether it wants it; responses have their usage anyway. */
function withUsage(body: unknown): unknown {
  // A response may have a `prompt`, too: an object, with the ID of a template.
  if (field(body, "messages") === undefined && typeof field(body, "prompt") !== "string") return body;
  const streamOptions = field(body, "stream_options");
  return { ...(body as object), stream_options: { include_usage: true, ...(streamOptions as object | undefined) } };
}

function callFieldsOf(options: unknown): CallFields | undefined {
  return isObject(options) ? (options as { readonly [callFields]?: CallFields })[callFields] : undefined;
}

function withoutCallFields(options: object): object {
  const { [callFields]: _, ...bare } = options as { readonly [callFields]?: CallFields };
  return bare;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
