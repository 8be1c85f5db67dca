// What JSON leaves as it is, and a terminal or an eye does not: DEL and the C1 controls, formatting characters (which can reverse the reading
// order) and line separators.
const unprintable = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * JSON with a newline at its end, for a terminal too: what is not to be shown is escaped, which changes nothing of what it says.
 *
 * @param indent blanks a level; 0: one line. Default: 2
 */
export function jsonText(value: unknown, indent: number = 2): string {
  return `${JSON.stringify(value, undefined, indent).replace(unprintable, escaped)}\n`;
}

/** By UTF-16 units, as JSON has it. */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => unitText(character.charCodeAt(at))).join("");
}

function unitText(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
