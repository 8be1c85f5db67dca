import { isUtf8 } from "node:buffer";

/**
 * `data` in parts of at most `maxBytes`, at least 4, in order; one empty part when it is empty. UTF-8 is cut between characters, so that each part is
 * UTF-8 too. The parts share memory with `data`.
 */
export function splitBytes(data: Buffer, maxBytes: number): Buffer[] {
  if (data.length <= maxBytes) return [data];
  const between = isUtf8(data);
  const parts: Buffer[] = [];
  for (let start = 0; start < data.length;) {
    let end = Math.min(data.length, start + maxBytes);
    if (between) while (isContinuation(data[end])) end -= 1;
    parts.push(data.subarray(start, end));
    start = end;
  }
  return parts;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
