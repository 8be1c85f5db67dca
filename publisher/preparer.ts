import { IndelibleError } from "@indelible/schemas/errors.ts";
import { background, Stuck } from "./background/background.ts";
import type { Counts } from "./counts.ts";
import type { Pack } from "./pack.ts";
import type { PreparationSettings, Prepared } from "./preparation.ts";
import type { Rejections } from "./rejections.ts";
import type { Reports } from "./reports.ts";
import type { Spool } from "./spool/spool.ts";

/** A redaction takes microseconds, unless a pattern never ends. */
const LOOK_EVERY_MS = 5_000;

export interface PreparerParts {
  readonly settings: PreparationSettings;
  readonly spool: Spool | undefined;
  readonly rejections: Rejections;
  readonly counts: Counts;
  readonly reports: Reports;
  /** How often to look whether the thread gets on, in milliseconds. */
  readonly lookEveryMs?: number;
}

/** Has messages made of packs by the background thread, and sees to what must not or cannot be sent. */
export class Preparer {
  readonly #parts: PreparerParts;
  /** Packs whose findings are counted and whose rejects are kept: they may be prepared again, from disk. */
  readonly #known = new WeakSet<Pack>();

  constructor(parts: PreparerParts) {
    this.#parts = parts;
  }

  /** Resolves when everything that is not in the message is kept elsewhere. @throws ERR_SPOOL, ERR_DEADLINE */
  async prepare(pack: Pack): Promise<Prepared> {
    const prepared = await this.#run(pack);
    if (this.#known.has(pack)) return prepared;
    const { spool, rejections, counts, reports } = this.#parts;
    const { damaged, rejected, findings, invalid } = prepared;
    // What can fail comes before what is counted, for after a failure all of it is done again.
    if (damaged.length > 0) await spool?.keepDamaged(pack.segment!, damaged);
    await rejections.hold(pack, rejected);
    this.#known.add(pack);
    if (damaged.length > 0) this.#refuseDamaged(pack, prepared);
    counts.addRedacted(findings);
    if (invalid !== undefined) {
      const error = new IndelibleError(invalid.code, `${invalid.message}: it is sent, and will be a dead letter`);
      reports.add(error, { table: pack.table, events: invalid.events, refused: false });
    }
    return prepared;
  }

  #refuseDamaged(pack: Pack, { damaged, events, rejected }: Prepared): void {
    const { spool, rejections } = this.#parts;
    const lost = Math.max(0, pack.events - events - rejected.length);
    pack.leftOut += lost;
    const stretches = damaged.length === 1 ? "one stretch" : `${damaged.length} stretches`;
    const error = new IndelibleError(
      "ERR_SPOOL_DAMAGED",
      `${stretches} of ${pack.segment!.path} cannot be read; the bytes are kept in ${spool?.directory}/quarantine`,
    );
    rejections.refuse(pack.table, error, lost);
  }

  /** Leaves out one line more each time that the thread does not get through it. */
  async #run(pack: Pack): Promise<Prepared> {
    for (;;) {
      try {
        // The next try depends on this one.
        // oxlint-disable-next-line no-await-in-loop
        return await background.call(
          {
            kind: "prepare",
            table: pack.table,
            lines: pack.lines === undefined ? { path: pack.segment!.path } : { bytes: pack.lines },
            isSpooled: pack.segment !== undefined,
            held: pack.held,
            settings: this.#parts.settings,
          },
          "ERR_REDACTION",
          this.#parts.lookEveryMs ?? LOOK_EVERY_MS,
        );
      } catch (error) {
        if (!(error instanceof Stuck)) throw error;
        pack.held.set(error.line, "a redaction pattern did not end on this event");
      }
    }
  }
}
