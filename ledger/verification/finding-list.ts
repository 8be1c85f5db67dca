import { findingKinds, type Finding, type FindingCode } from "../findings.ts";
import { DEFAULT_LIMITS } from "./options.ts";

/** A finding as JSON has it: whole numbers of any size are texts. */
export interface SavedFinding extends Omit<Finding, "window" | "logIndex"> {
  readonly window?: { readonly start: string; readonly end: string };
  readonly logIndex?: string;
}

export interface SavedFindings {
  readonly counts: { readonly [code: string]: number };
  readonly listed: readonly SavedFinding[];
}

/** What has been found: everything counted, and of each code the first few listed, so that a log that is all wrong fits into memory too. */
export class FindingList {
  readonly #maxListed: number;
  readonly #counts = new Map<FindingCode, number>();
  readonly #listed = new Map<FindingCode, Finding[]>();

  /** @param maxListed findings of each code that are listed; all are counted */
  constructor(maxListed: number = DEFAULT_LIMITS.findingsPerCode) {
    this.#maxListed = maxListed;
  }

  /** One without findings that lists as many. */
  empty(): FindingList {
    return new FindingList(this.#maxListed);
  }

  add(finding: Finding): void {
    this.#count(finding.code, 1);
    this.#list(finding);
  }

  /** Adds all of another list, and what that has counted without listing it. */
  addAll(other: FindingList): void {
    for (const [code, count] of other.#counts) this.#count(code, count);
    for (const finding of other.listed()) this.#list(finding);
  }

  count(code: FindingCode): number {
    return this.#counts.get(code) ?? 0;
  }

  counts(): { readonly [code in FindingCode]?: number } {
    return Object.fromEntries(this.#counts);
  }

  /** In the order of the codes, and of each in the order in which it was found. */
  listed(): Finding[] {
    return (Object.keys(findingKinds) as FindingCode[]).flatMap((code) => this.#listed.get(code) ?? []);
  }

  hasViolations(): boolean {
    return [...this.#counts.keys()].some((code) => findingKinds[code].level === "violation");
  }

  save(): SavedFindings {
    return { counts: this.counts(), listed: this.listed().map(saveFinding) };
  }

  /** @throws TypeError, SyntaxError when it is not what `save` gave */
  static restore({ counts, listed }: SavedFindings, maxListed?: number): FindingList {
    const list = new FindingList(maxListed);
    for (const [code, count] of Object.entries(counts)) list.#count(code as FindingCode, count);
    for (const finding of listed) list.#list(restoreFinding(finding));
    return list;
  }

  #count(code: FindingCode, count: number): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + count);
  }

  #list(finding: Finding): void {
    const listed = this.#listed.get(finding.code);
    if (listed === undefined) this.#listed.set(finding.code, [finding]);
    else if (listed.length < this.#maxListed) listed.push(finding);
  }
}

function saveFinding({ window, logIndex, ...rest }: Finding): SavedFinding {
  return {
    ...rest,
    ...(window !== undefined && { window: { start: String(window.start), end: String(window.end) } }),
    ...(logIndex !== undefined && { logIndex: String(logIndex) }),
  };
}

function restoreFinding({ window, logIndex, ...rest }: SavedFinding): Finding {
  if (!Object.hasOwn(findingKinds, rest.code)) throw new TypeError("there is no such finding");
  return {
    ...rest,
    ...(window !== undefined && { window: { start: BigInt(window.start), end: BigInt(window.end) } }),
    ...(logIndex !== undefined && { logIndex: BigInt(logIndex) }),
  };
}
