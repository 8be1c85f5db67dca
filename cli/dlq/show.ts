import { isUtf8 } from "node:buffer";
import { errorKinds, type ErrorCode } from "@indelible/schemas/errors.ts";
import { jsonText } from "../terminal/json-text.ts";
import { readLetter } from "./choice.ts";
import { atDesk, LOOK_STALL_MS } from "./desk.ts";
import { whereBytesAre } from "./replay-job.ts";
import { letterText } from "./text.ts";

export interface ShowFlags {
  readonly json?: true;
  readonly data: string;
}

/** Prints everything that is known of one dead letter. */
export async function runShow(id: string, flags: ShowFlags): Promise<void> {
  await atDesk(flags.data, { deadlineMs: LOOK_STALL_MS }, async (desk) => {
    const surveyed = await readLetter(desk.reader, id);
    const { letter, status } = surveyed;
    const [contents, reviews] = await Promise.all([desk.reader.contents([letter]), desk.reader.reviews(letter.id)]);
    const content = contents.get(letter.id);
    const whereBytes = whereBytesAre(letter, desk);
    if (process.stdout.isTTY && flags.json !== true) {
      process.stdout.write(letterText(surveyed, content, reviews, whereBytes));
      return;
    }
    const data =
      content === undefined
        ? { where: whereBytes }
        : isUtf8(content.data)
          ? { data: content.data.toString() }
          : { data_base64: content.data.toString("base64") };
    const hint = Object.hasOwn(errorKinds, letter.reason) ? errorKinds[letter.reason as ErrorCode].hint : undefined;
    const all = {
      ...letter,
      state: status.state,
      hint,
      attributes: content?.attributes,
      ...data,
      reviews,
      failures: status.failures,
    };
    process.stdout.write(jsonText(all));
  });
}
