import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import protobuf from "protobufjs";
import { RowDecoder, SchemaMismatch } from "../../../local/bigquery/row-decoder.ts";
import { WireFault } from "../../../local/bigquery/wire-reader.ts";
import type { MessageField, MessageType } from "../../../local/bigquery/message-type.ts";
import type { TableField } from "../../../local/bigquery/table-schema.ts";

const integerTypes = ["int32", "int64", "uint32", "sint32", "sint64", "fixed32", "sfixed32", "sfixed64"] as const;

function protoRows(rows: readonly Uint8Array[]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const row of rows) writer.uint32((1 << 3) + 2).bytes(row);
  return writer.finish();
}

function message(...fields: MessageField[]): MessageType {
  return { name: "Row", fields };
}

function column(name: string, type: TableField["type"], mode: TableField["mode"] = "NULLABLE"): TableField {
  return { name, type, mode };
}

test("RowDecoder - reads every integer type as protobufjs writes it, packed or not", () => {
  for (const type of integerTypes) {
    const [min, max] = type.startsWith("s") || type.startsWith("int") ? [-1n, 1n] : [0n, 2n];
    const bits = type.endsWith("64") ? 63n : 31n;
    const value = fc.bigInt({ min: min * 2n ** bits, max: max * 2n ** bits - 1n });
    fc.assert(
      fc.property(value, fc.array(value), fc.boolean(), (single, many, packed) => {
        const list = new protobuf.Field("many", 2, type, "repeated").setOption("packed", packed);
        const row = new protobuf.Type("Row").add(new protobuf.Field("single", 1, type)).add(list);
        new protobuf.Root().add(row);
        const decoder = new RowDecoder(
          message(
            { name: "single", number: 1, type, repeated: false },
            { name: "many", number: 2, type, repeated: true },
          ),
          { fields: [column("single", "INTEGER"), column("many", "INTEGER", "REPEATED")] },
        );
        const encoded = row.encode(row.fromObject({ single: String(single), many: many.map(String) })).finish();
        const { columns, failures } = decoder.decode(protoRows([encoded]));
        assert.deepEqual(failures, []);
        assert.deepEqual(
          columns[0]?.map((cell) => BigInt(cell as number)),
          [single],
        );
        const stored = columns[1]?.[0];
        assert.deepEqual(Array.isArray(stored) ? stored.map(BigInt) : stored, many);
      }),
      { numRuns: 50 },
    );
  }
});

test("RowDecoder - no bytes at all make it throw anything but WireFault", () => {
  const decoder = new RowDecoder(
    message(
      { name: "text", number: 1, type: "string", repeated: false },
      { name: "numbers", number: 2, type: "int64", repeated: true },
      {
        name: "inner",
        number: 3,
        type: "message",
        repeated: true,
        message: message({ name: "doc", number: 1, type: "string", repeated: false }),
      },
    ),
    {
      fields: [
        column("text", "STRING"),
        column("numbers", "INTEGER", "REPEATED"),
        { ...column("inner", "RECORD", "REPEATED"), fields: [column("doc", "JSON")] },
      ],
    },
  );
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (rows) => {
      const { rowCount, columns, failures } = decoder.decode(protoRows(rows));
      assert.equal(rowCount, rows.length);
      for (const cells of columns) assert.equal(cells.length, rows.length - failures.length);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        decoder.decode(bytes);
      } catch (error) {
        assert.ok(error instanceof WireFault);
      }
    }),
  );
});

test("RowDecoder - a later value of a field that is not repeated replaces an earlier one", () => {
  const decoder = new RowDecoder(message({ name: "n", number: 1, type: "int64", repeated: false }), {
    fields: [column("n", "INTEGER")],
  });
  assert.deepEqual(decoder.decode(protoRows([Uint8Array.of(8, 1, 8, 2)])).columns, [[2]]);
});

test("RowDecoder - enums are text by name or an INTEGER, and an unknown number is a failure", () => {
  const names = new Map([[7, "SEVEN"]]);
  const schema = { fields: [column("name", "STRING"), column("value", "INTEGER")] };
  const field = { type: "enum", repeated: false, names };
  const decoder = new RowDecoder(
    message({ ...field, name: "name", number: 1 }, { ...field, name: "value", number: 2 }),
    schema,
  );
  const good = decoder.decode(protoRows([Uint8Array.of(8, 7, 16, 9)]));
  assert.deepEqual(good.columns, [[new TextEncoder().encode("SEVEN")], [9]]);
  const bad = decoder.decode(protoRows([Uint8Array.of(8, 8)]));
  assert.deepEqual(bad.failures, [{ index: 0, message: "Field name has no enum value 8" }]);
});

const mismatches = [
  { name: "text for an INTEGER", type: "string", column: column("x", "INTEGER"), repeated: false },
  { name: "uint64, which BigQuery does not take", type: "uint64", column: column("x", "INTEGER"), repeated: false },
  { name: "a double for a NUMERIC", type: "double", column: column("x", "NUMERIC"), repeated: false },
  { name: "a repeated field for one value", type: "string", column: column("x", "STRING"), repeated: true },
  {
    name: "one value for a repeated column",
    type: "string",
    column: column("x", "STRING", "REPEATED"),
    repeated: false,
  },
  {
    name: "text for a RECORD",
    type: "string",
    column: { ...column("x", "RECORD"), fields: [column("y", "STRING")] },
    repeated: false,
  },
];
for (const { name, type, column: target, repeated } of mismatches) {
  test(`RowDecoder - ${name} is a schema mismatch`, () => {
    const build = (): unknown =>
      new RowDecoder(message({ name: "x", number: 1, type, repeated }), { fields: [target] });
    assert.throws(build, SchemaMismatch);
  });
}
