/** The bytes of base64 as RFC 4648 has it: the only text that stands for them, padding included. Undefined when it is none. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}
