import { gzipSync } from "node:zlib";
import type { TransportMessage } from "@indelible/publisher/transport.ts";
import { isPublishers, MAX_ATTRIBUTES, replayAttributes } from "@indelible/schemas/attributes.ts";
import type { Content } from "./content.ts";
import type { Letter } from "./letter.ts";

/** Pub/Sub takes 10 MB with the attributes; what is larger is compressed. */
const maxPlainBytes = 8_500_000;
const maxMessageBytes = 9_900_000;

/**
 * The message that replays a letter. SPEC.md §7.
 *
 * @param texts of the edited events; undefined: the original bytes
 * @returns undefined when it would be too large for Pub/Sub, even compressed
 */
export function replayMessage(
  letter: Letter,
  content: Content,
  texts: readonly string[] | undefined,
): TransportMessage | undefined {
  const { format, encoding, ...others } = content.attributes;
  const attributes: { [name: string]: string } = {};
  if (texts !== undefined) {
    if (texts.length > 1) attributes["format"] = "ndjson";
  } else if (letter.index === undefined) {
    // The whole message as it was; of one of its events the data is decompressed and alone.
    if (format !== undefined) attributes["format"] = format;
    if (encoding !== undefined) attributes["encoding"] = encoding;
  }
  let data = texts === undefined ? content.data : Buffer.from(texts.join("\n"));
  if (data.length > maxPlainBytes && attributes["encoding"] === undefined) {
    data = gzipSync(data);
    attributes["encoding"] = "gzip";
  }
  attributes[replayAttributes.replayOf] = letter.id;
  attributes[replayAttributes.messageId] = letter.originMessageId ?? letter.messageId;
  const index = letter.originIndex ?? letter.index;
  if (index !== undefined) attributes[replayAttributes.index] = String(index);
  // The publisher's own mean nothing to the subscriber: those for which there is no room are left to the dead letter.
  const room = MAX_ATTRIBUTES - Object.keys(attributes).length;
  const originals = Object.entries(others).filter(([name]) => isPublishers(name));
  const message = { data, attributes: { ...Object.fromEntries(originals.slice(0, room)), ...attributes } };
  const bytes = Object.entries(message.attributes)
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text), data.length);
  return bytes > maxMessageBytes ? undefined : message;
}
