import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const texts = /^(licen[cs]e|notice|copying)\b/i;

/**
 * The licences of the packages that these files are of, each text once, under the names of all packages that it is the text of.
 *
 * @param files paths from `root`; those that are not in a folder `node_modules` are ours
 */
export async function licensesOf(files: readonly string[], root: string): Promise<string> {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file) ?? []));
  const packages = new Map<string, string>();
  for (const folder of folders) {
    const { title, text } = await licenseOf(join(root, folder));
    packages.set(title, text);
  }
  const titles = Map.groupBy([...packages.keys()].toSorted(), (title) => packages.get(title) ?? "");
  const sections = [...titles].map(([text, of]) => `${of.join("\n")}\n\n${text}\n`);
  return `This program contains the following packages.\n\n${sections.join(`\n${"-".repeat(80)}\n\n`)}`;
}

async function licenseOf(folder: string): Promise<{ readonly title: string; readonly text: string }> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    readonly [field: string]: string;
  };
  const names = (await readdir(folder)).filter((file) => texts.test(file)).toSorted();
  const found = await Promise.all(names.map(async (file) => (await readFile(join(folder, file), "utf8")).trim()));
  const text =
    found.length === 0 ? `Its package names the licence and has no text of it: ${license}.` : found.join("\n\n");
  return { title: `${name} ${version}`, text };
}
