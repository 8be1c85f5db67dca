import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";

export interface Cell {
  /** What a reader sees. */
  readonly text: string;
  /** Where its links go. */
  readonly links: readonly string[];
}

export interface Rendered {
  readonly html: string;
  /** Rows of all tables, titles included. */
  readonly tables: readonly (readonly (readonly Cell[])[])[];
  readonly links: readonly string[];
}

/** Markdown as GitHub shows it. */
export function rendered(markdown: string): Rendered {
  const html = micromark(markdown, { extensions: [gfm()], htmlExtensions: [gfmHtml()] });
  const tables = [...html.matchAll(/<table>(.*?)<\/table>/gs)].map(([, table = ""]) =>
    [...table.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = ""]) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = ""]) => ({
        text: textOf(cell),
        links: linksOf(cell),
      })),
    ),
  );
  return { html, tables, links: linksOf(html) };
}

function linksOf(html: string): string[] {
  return [...html.matchAll(/<a href="([^"]*)"/g)].map(([, target = ""]) => decoded(target));
}

/** Without the tags that a cell of ours may have; any other is left and is seen in the text. */
function textOf(html: string): string {
  return decoded(html.replaceAll(/<a href="[^"]*">|<\/a>|<\/?code>|<\/?strong>/g, ""));
}

const references: { readonly [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: '"' };

function decoded(html: string): string {
  return html.replaceAll(/&(amp|lt|gt|quot);/g, (_, name: string) => references[name] ?? "");
}

// What GitHub and editors link in the text that they have rendered, after escapes and references are resolved.
const linkable = /https?:\/\/|ftp:\/\/|www\.|[\w.+-]@[\w-]|\w\.[a-z]{2,}|:[\w+-]+:/i;

/** Text outside of code and links that a renderer would make a link of in a second pass. */
export function linkableText(html: string): string | undefined {
  const plain = decoded(html.replaceAll(/<code>.*?<\/code>|<pre>.*?<\/pre>|<a href.*?<\/a>|<[^>]*>/gs, " "));
  return linkable.exec(plain)?.[0];
}
