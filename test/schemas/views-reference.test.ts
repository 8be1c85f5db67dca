import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { tableNames } from "@indelible/schemas/tables.ts";
import { viewsOf } from "@indelible/schemas/views.ts";

const text = readFileSync(new URL("../../docs/views.md", import.meta.url), "utf8");
const ofTables = new Set(tableNames.flatMap((name) => [name, `${name}_history`, `${name}_arrivals`]));

describe("docs/views.md", () => {
  for (const { name, columns } of viewsOf("p").filter((view) => !ofTables.has(view.name))) {
    it(`has a section on ${name} that names each of its columns`, () => {
      const section = text.split(/^## /m).find((part) => part.startsWith(`${name}\n`));
      assert.ok(section, `docs/views.md has no section "## ${name}"`);
      for (const column of columns) assert.ok(section.includes(`\`${column}\``), column);
    });
  }
});
