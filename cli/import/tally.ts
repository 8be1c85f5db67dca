/** What an import read and what it made of it. Filled while the entries are produced. */
export class Tally {
  runs = 0;
  readonly messagesByRole: Map<string, number> = new Map();
  messages = 0;
  /** Messages that became at least one entry. */
  messagesLogged = 0;
  toolCalls = 0;
  toolResults = 0;
  callsWithoutResult = 0;
  resultsWithoutCall = 0;
  entries = 0;

  countMessage(role: string, isLogged: boolean): void {
    this.messages += 1;
    if (isLogged) this.messagesLogged += 1;
    this.messagesByRole.set(role, (this.messagesByRole.get(role) ?? 0) + 1);
  }

  countResult(hasCall: boolean): void {
    this.toolResults += 1;
    if (!hasCall) this.resultsWithoutCall += 1;
  }

  countRun(entries: number, callsWithoutResult: number): void {
    this.runs += 1;
    this.entries += entries;
    this.callsWithoutResult += callsWithoutResult;
  }

  toJSON(): object {
    return { ...this, messagesByRole: Object.fromEntries(this.messagesByRole) };
  }
}
