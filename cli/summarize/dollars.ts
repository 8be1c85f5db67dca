/** Dollars as billionths of a dollar: what NUMERIC keeps, without rounding and whatever the order of a sum. */

const form = /^(-?)(\d+)(?:\.(\d{1,9})0*)?$/;

/** Of the text of a NUMERIC. */
export function nanosOf(text: string): bigint {
  // The client writes what is below a ten-millionth with an exponent.
  const [, sign, whole, fraction = ""] = form.exec(/e/i.test(text) ? Number(text).toFixed(9) : text) ?? [];
  if (whole === undefined) throw new TypeError(`${text} is no NUMERIC`);
  const nanos = BigInt(whole + fraction.padEnd(9, "0"));
  return sign === "-" ? -nanos : nanos;
}

/** Every digit that is not a trailing zero, at least cents: `1,234.50`, `0.083115`. */
export function dollarText(nanos: bigint): string {
  const digits = String(nanos < 0n ? -nanos : nanos).padStart(10, "0");
  const whole = BigInt(digits.slice(0, -9)).toLocaleString("en-US");
  return `${nanos < 0n ? "-" : ""}${whole}.${digits.slice(-9).replace(/0{1,7}$/, "")}`;
}
