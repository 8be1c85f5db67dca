import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { after, before, describe, it } from "node:test";
import type { BigQuery } from "@google-cloud/bigquery";
import { defaultDatasets } from "@indelible/schemas/names.ts";
import { bigQueryClient } from "../../cli/clients.ts";
import { askNoMetadataServer } from "../../cli/environment.ts";
import { rowsOf } from "../../cli/warehouse.ts";

describe("a warehouse that takes a question and says nothing", () => {
  let server: Server;
  let bigquery: BigQuery;
  before(async () => {
    // It keeps nobody here when the test is over.
    server = createServer((socket) => socket.unref()).listen(0, "127.0.0.1");
    await once(server, "listening");
    askNoMetadataServer();
    process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    bigquery = bigQueryClient("silent", true);
  });
  after(() => server?.close());

  it("is given up when the time for an answer is over, with what to do", async () => {
    await assert.rejects(rowsOf({ bigquery, datasets: defaultDatasets }, { query: "SELECT 1" }, undefined, 20), {
      code: "ERR_DEADLINE",
      hint: /indelible dev/,
    });
  });

  it("is left at once by whoever is interrupted", async () => {
    const controller = new AbortController();
    const asked = rowsOf(
      { bigquery, datasets: defaultDatasets },
      { query: "SELECT 1" },
      { deadlineMs: 60_000, signal: controller.signal },
    );
    controller.abort();
    await assert.rejects(asked, { name: "AbortError" });
  });
});
