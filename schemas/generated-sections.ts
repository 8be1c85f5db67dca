import { rightsReference } from "./rights-reference.ts";

/** A part of a page that is derived, between `<!-- <name>: … -->` and `<!-- /<name> -->`. */
export interface GeneratedSection {
  /** From the root. */
  readonly path: string;
  readonly name: string;
  readonly text: string;
}

export function generatedSections(): readonly GeneratedSection[] {
  return [{ path: "SECURITY.md", name: "rights", text: rightsReference() }];
}

/** `page` with the section as it should be. @throws Error when the page has no place for it */
export function withSection(page: string, { path, name, text }: GeneratedSection): string {
  const place = new RegExp(`(<!-- ${name}: [^>]* -->\\n)[^]*?(<!-- /${name} -->\\n)`);
  if (!place.test(page)) throw new Error(`${path} has no <!-- ${name}: … --> and <!-- /${name} -->`);
  return page.replace(place, (_all, begin: string, end: string) => `${begin}\n${text}\n\n${end}`);
}
