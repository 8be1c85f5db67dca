import { isUtf8 } from "node:buffer";
import { errorKinds, type ErrorCode } from "@indelible/schemas/errors.ts";
import { jsonText } from "../terminal/json-text.ts";
import { readLetter, resolveGroup } from "./choice.ts";
import { atDesk, LOOK_STALL_MS, type Desk } from "./desk.ts";
import { readGroup } from "./group.ts";
import { digitsOf, groupIdOf } from "./handle.ts";
import { commandText } from "./next.ts";
import { whereBytesAre } from "./replay-job.ts";
import { groupText, letterAdvice, letterText } from "./show-text.ts";

export interface ShowFlags {
  readonly json?: true;
  readonly data: string;
}

/** Prints everything that is known of one dead letter or of a group. */
export async function runShow(name: string, flags: ShowFlags): Promise<void> {
  const digits = digitsOf("g", name);
  await atDesk(flags.data, { deadlineMs: LOOK_STALL_MS }, (desk) =>
    digits === undefined ? showLetter(desk, name, flags) : showGroup(desk, digits, flags),
  );
}

async function showGroup({ reader }: Desk, digits: string, flags: ShowFlags): Promise<void> {
  const report = await readGroup(reader, await resolveGroup(reader, digits));
  if (process.stdout.isTTY && flags.json !== true) {
    process.stdout.write(groupText(report, process.stdout.columns, flags.data));
    return;
  }
  const { advice, ...group } = report;
  const next = group.open === 0 ? undefined : commandText(advice.command, flags.data);
  process.stdout.write(jsonText({ ...group, hint: advice.text, next }));
}

async function showLetter(desk: Desk, id: string, flags: ShowFlags): Promise<void> {
  const surveyed = await readLetter(desk.reader, id);
  const { letter, status } = surveyed;
  const [contents, reviews] = await Promise.all([desk.reader.contents([letter]), desk.reader.reviews(letter.id)]);
  const content = contents.get(letter.id);
  const whereBytes = whereBytesAre(letter, desk);
  if (process.stdout.isTTY && flags.json !== true) {
    process.stdout.write(letterText(surveyed, content, reviews, { whereBytes, dataFolder: flags.data }));
    return;
  }
  const data =
    content === undefined
      ? { where: whereBytes }
      : isUtf8(content.data)
        ? { data: content.data.toString() }
        : { data_base64: content.data.toString("base64") };
  const advice = letterAdvice(surveyed);
  const hint = Object.hasOwn(errorKinds, letter.reason) ? errorKinds[letter.reason as ErrorCode].hint : undefined;
  const all = {
    ...letter,
    state: status.state,
    group: groupIdOf(letter),
    hint,
    next: advice === undefined ? undefined : commandText(advice.command, flags.data),
    attributes: content?.attributes,
    ...data,
    reviews,
    failures: status.failures,
  };
  process.stdout.write(jsonText(all));
}
