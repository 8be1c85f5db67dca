import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";
import { describe, it } from "node:test";

const root = fileURLToPath(new URL("../", import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");

/** What each folder may import of ours: arrows point towards schemas. */
const allowed: { readonly [folder: string]: readonly string[] } = {
  schemas: [],
  publisher: ["schemas"],
  subscriber: ["schemas", "publisher"],
  ledger: ["schemas", "publisher", "subscriber"],
  local: [],
  cli: ["schemas", "publisher", "ledger"],
  infra: ["schemas", "ledger"],
};

interface Import {
  readonly file: string;
  readonly from: string;
}

function importsOf(folder: string): Import[] {
  return globSync(`${folder}/**/*.ts`, { cwd: root, exclude: (path) => path.includes("node_modules") }).flatMap(
    (file) =>
      [...read(file).matchAll(/^(?:import|export)\b(?:[^"';]* from)? "([^"]+)";|\bimport\("([^"]+)"\)/gm)].map(
        (match) => ({
          file,
          from: match[1] ?? match[2] ?? "",
        }),
      ),
  );
}

const packageOf = (specifier: string): string => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

describe("the structure", () => {
  for (const [folder, targets] of Object.entries(allowed)) {
    const manifest = JSON.parse(read(`${folder}/package.json`)) as { name: string; dependencies?: object };
    const imports = importsOf(folder);

    it(`${folder} imports of ours only ${targets.join(" and ") || "nothing"}`, () => {
      assert.ok(imports.length > 0);
      for (const { file, from } of imports) {
        if (from.startsWith("@indelible/"))
          assert.ok(targets.includes(from.split("/")[1] ?? ""), `${file} imports ${from}`);
        if (from.startsWith("../"))
          assert.ok(new URL(from, `file:///${file}`).pathname.startsWith(`/${folder}/`), `${file} imports ${from}`);
      }
    });

    it(`${folder} imports no package that its package.json does not name, and names none that it does not import`, () => {
      const used = new Set(
        imports
          .map(({ from }) => from)
          .filter((from) => !/^(\.|node:)/.test(from) && !builtinModules.includes(from))
          .map(packageOf),
      );
      const resolved = new Set(
        [...read(`${folder}/package.json`).matchAll(/"([^"]+)": "(?:>=)?[\d.]/g)].map((match) => match[1] ?? ""),
      );
      const sources = globSync(`${folder}/**/*.ts`, { cwd: root, exclude: (path) => path.includes("node_modules") })
        .map(read)
        .join("\n");
      for (const name of used) assert.ok(resolved.has(name), `${folder} imports ${name}`);
      for (const name of Object.keys(manifest.dependencies ?? {})) {
        assert.ok(sources.includes(`"${name}`), `${folder}/package.json names ${name} in vain`);
      }
    });
  }

  it("loads commander and no other package to declare the commands: what a command needs, it loads when it runs", () => {
    const packages = new Set<string>();
    const seen = new Set<string>();
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, from = ""] of read(file).matchAll(
        /^(?:import|export)\b(?! type\b)(?:[^"';]* from)? "([^"]+)";/gm,
      )) {
        if (from.startsWith(".")) follow(new URL(from, `file:///${file}`).pathname.slice(1));
        else if (from.startsWith("@indelible/")) follow(from.replace("@indelible/", ""));
        else if (!from.startsWith("node:")) packages.add(packageOf(from));
      }
    };
    follow("cli/program.ts");
    assert.ok(seen.size > 20);
    assert.deepEqual([...packages], ["commander"]);
  });

  it("has a reason in ARCHITECTURE.md for every dependency", () => {
    const architecture = read("ARCHITECTURE.md");
    for (const manifest of ["package.json", ...Object.keys(allowed).map((folder) => `${folder}/package.json`)]) {
      const { dependencies = {}, devDependencies = {} } = JSON.parse(read(manifest)) as { [group: string]: object };
      for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
        if (name.startsWith("@indelible/")) continue;
        assert.ok(architecture.includes(`\`${name}\``), `${name} of ${manifest}`);
      }
    }
  });
});
