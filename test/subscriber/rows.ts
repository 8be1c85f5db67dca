import { descriptorOf, type DescriptorProto } from "@indelible/schemas/protobuf.ts";
import { tables, type TableName } from "@indelible/schemas/tables.ts";
import protobuf from "protobufjs";

const scalars = { TYPE_STRING: "string", TYPE_INT64: "int64", TYPE_DOUBLE: "double", TYPE_BOOL: "bool" } as const;
const rules = { LABEL_REQUIRED: "required", LABEL_OPTIONAL: "optional", LABEL_REPEATED: "repeated" } as const;

/** The message type that a server builds from a writer schema, by somebody else's code. */
export function messageTypeOf(descriptor: DescriptorProto): protobuf.Type {
  const type = new protobuf.Type(descriptor.name);
  for (const nested of descriptor.nestedType) type.add(messageTypeOf(nested));
  for (const field of descriptor.field) {
    const name = field.type === "TYPE_MESSAGE" ? (field.typeName ?? "") : scalars[field.type];
    type.add(new protobuf.Field(field.name, field.number, name, rules[field.label]));
  }
  return type;
}

const types = new Map<TableName, protobuf.Type>();

/** Decodes an encoded row of `table`: int64 as text, absent columns left out. */
export function readRow(table: TableName, bytes: Uint8Array): Record<string, unknown> {
  let type = types.get(table);
  if (type === undefined) {
    type = messageTypeOf(descriptorOf(tables[table]));
    new protobuf.Root().add(type).resolveAll();
    types.set(table, type);
  }
  return type.toObject(type.decode(bytes), { longs: String }) as Record<string, unknown>;
}
