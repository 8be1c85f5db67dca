import { printable } from "../terminal/cell.ts";
import { counted, thousands } from "../terminal/table.ts";
import type { Tally } from "./tally.ts";

/** What was imported, for people. */
export function tallyText(tally: Tally): string {
  const roles = [...tally.messagesByRole].map(([role, count]) => `${printable(role)} ${thousands(count)}`).join(", ");
  const lines = [
    `${counted(tally.runs, "run")} with ${counted(tally.messages, "message")} (${roles})`,
    `${thousands(tally.messagesLogged)} of ${counted(tally.messages, "message")} became ${thousands(tally.entries)} entries`,
    `${counted(tally.toolCalls, "tool call")}, of which ${thousands(tally.callsWithoutResult)} without a result`,
    `${counted(tally.toolResults, "result")}, of which ${thousands(tally.resultsWithoutCall)} without a call`,
  ];
  return `${lines.join("\n")}\n`;
}
