/** Billionths of a dollar: every digit that is not a trailing zero, at least cents: `1,234.50`, `0.083115`. */
export function dollarText(nanos: bigint): string {
  const digits = String(nanos < 0n ? -nanos : nanos).padStart(10, "0");
  const whole = BigInt(digits.slice(0, -9)).toLocaleString("en-US");
  return `${nanos < 0n ? "-" : ""}${whole}.${digits.slice(-9).replace(/0{1,7}$/, "")}`;
}
