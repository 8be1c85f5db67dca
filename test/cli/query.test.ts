import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BigQuery } from "@google-cloud/bigquery";
import { parametersOf } from "../../cli/query/parameters.ts";
import { cellOf, plainValue } from "../../cli/query/values.ts";

describe("parametersOf()", () => {
  it("reads names, types and values, in which = may stand", () => {
    assert.deepEqual(parametersOf(["agent=CFO", "ms:int64=5", "since:TIMESTAMP=2026-01-31T00:00:00Z", "sql=a=b"]), {
      params: { agent: "CFO", ms: "5", since: { value: "2026-01-31T00:00:00Z" }, sql: "a=b" },
      types: { agent: "STRING", ms: "INT64", since: "TIMESTAMP", sql: "STRING" },
    });
  });

  for (const text of ["agent", "=x", "a b=c", "n:INTEGER8=1"]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parametersOf([text]), { code: "ERR_CONFIG" });
    });
  }
});

describe("plainValue()", () => {
  it("unwraps BigQuery's own values", () => {
    assert.deepEqual(
      plainValue({
        at: BigQuery.timestamp("2026-01-31T09:30:00.000Z"),
        day: BigQuery.date("2026-01-31"),
        small: BigQuery.int("42"),
        large: BigQuery.int("9007199254740993"),
        bytes: Buffer.from("hi"),
        infinite: Infinity,
        list: [BigQuery.int("1"), null],
      }),
      {
        at: "2026-01-31T09:30:00.000Z",
        day: "2026-01-31",
        small: 42,
        large: "9007199254740993",
        bytes: "aGk=",
        infinite: "Infinity",
        list: [1, null],
      },
    );
  });

  it("leaves logged JSON that looks like such a value alone", () => {
    const logged = { constructor: { name: "BigQueryDate" }, value: "evil" };
    assert.deepEqual(plainValue({ details: logged }), { details: logged });
  });
});

describe("cellOf()", () => {
  it("tells NULL from text and writes structures as JSON", () => {
    assert.deepEqual([null, "NULL", 1.5, true, { a: [1] }].map(cellOf), ["NULL", "NULL", "1.5", "true", '{"a":[1]}']);
  });
});
