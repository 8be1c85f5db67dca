import descriptor from "protobufjs/ext/descriptor/index.js";
import protobuf from "protobufjs";

/** One field of a message type: `type` is protobuf's own name for it without `TYPE_`, in lower case. */
export type MessageField = {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly repeated: boolean;
  /** For `message`. */
  readonly message?: MessageType;
  /** For `enum`: the names by number. */
  readonly names?: ReadonlyMap<number, string>;
};
export type MessageType = { readonly name: string; readonly fields: readonly MessageField[] };

type FieldProto = { name?: string; number?: number; label?: string; type?: string; typeName?: string };
type EnumProto = { name?: string; value?: { name?: string; number?: number }[] };
type MessageProto = { name?: string; field?: FieldProto[]; nestedType?: MessageProto[]; enumType?: EnumProto[] };

const MAX_DEPTH = 15;

/**
 * Reads the message type of a serialized `ProtoSchema`, the writer schema of an AppendRows request.
 * @throws {Error} with a message for the client, when it is not one, or refers to a type that it does not contain.
 */
export function parseMessageType(protoSchema: Uint8Array): MessageType {
  const root = readDescriptor(protoSchema);
  const messages = new Map<string, MessageProto>();
  const enums = new Map<string, EnumProto>();
  collect(root, "", messages, enums);
  return resolve(root, messages, enums, 1);
}

function readDescriptor(protoSchema: Uint8Array): MessageProto {
  try {
    const reader = protobuf.Reader.create(protoSchema);
    let found: MessageProto | undefined;
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === (1 << 3) + 2) {
        const message = descriptor.DescriptorProto.decode(reader.bytes());
        found = descriptor.DescriptorProto.toObject(message, { enums: String }) as MessageProto;
      } else reader.skipType(tag & 7);
    }
    if (found !== undefined) return found;
  } catch (cause) {
    throw new Error("The writer schema is not a ProtoSchema.", { cause });
  }
  throw new Error("The writer schema has no proto_descriptor.");
}

function collect(
  message: MessageProto,
  scope: string,
  messages: Map<string, MessageProto>,
  enums: Map<string, EnumProto>,
): void {
  const path = `${scope}.${message.name ?? ""}`;
  messages.set(path, message);
  for (const nested of message.nestedType ?? []) collect(nested, path, messages, enums);
  for (const nested of message.enumType ?? []) enums.set(`${path}.${nested.name ?? ""}`, nested);
}

function resolve(
  message: MessageProto,
  messages: ReadonlyMap<string, MessageProto>,
  enums: ReadonlyMap<string, EnumProto>,
  depth: number,
): MessageType {
  if (depth > MAX_DEPTH) throw new Error(`The writer schema nests deeper than ${MAX_DEPTH} levels.`);
  const fields = (message.field ?? []).map((field): MessageField => {
    const { name = "", number = 0, typeName = "" } = field;
    const type = (field.type ?? "TYPE_UNKNOWN").replace("TYPE_", "").toLowerCase();
    const base = { name, number, type, repeated: field.label === "LABEL_REPEATED" };
    if (type === "message") return { ...base, message: resolve(find(messages, typeName), messages, enums, depth + 1) };
    if (type === "enum") {
      const values = find(enums, typeName).value ?? [];
      return { ...base, names: new Map(values.map((value) => [value.number ?? 0, value.name ?? ""])) };
    }
    return base;
  });
  return { name: message.name ?? "", fields };
}

/** Type names come absolute, with or without a package, or relative to an enclosing scope: the longest common end decides. */
function find<Proto>(types: ReadonlyMap<string, Proto>, typeName: string): Proto {
  const wanted = typeName.startsWith(".") ? typeName : `.${typeName}`;
  const matches = [...types.keys()].filter((path) => path === wanted || path.endsWith(wanted) || wanted.endsWith(path));
  const best = matches.toSorted((a, b) => b.length - a.length)[0];
  const found = best === undefined ? undefined : types.get(best);
  if (found === undefined) throw new Error(`The writer schema does not contain the type ${typeName}.`);
  return found;
}
