/** Files that are loaded by their names: they run as TypeScript in the repository and as JavaScript where they are installed. */
const isSource = import.meta.url.endsWith(".ts");

/** @param path within this folder, without its extension; what is published has all files in one folder */
export function moduleUrl(path: string): URL {
  return new URL(isSource ? `./${path}.ts` : `./${path.split("/").at(-1)!}.js`, import.meta.url);
}
