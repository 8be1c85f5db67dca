/** Amounts of dollars as whole billionths, which is what NUMERIC holds: no sum and no rounding goes through floating point. */
const digits = 9;
const perDollar = 10n ** BigInt(digits);

/** Billionths of a dollar of a decimal number, also with an exponent; 0 of null. Digits beyond the ninth are cut. */
export function nanosOf(decimal: unknown): bigint {
  if (decimal === null || decimal === undefined) return 0n;
  const [, sign, whole = "0", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(String(decimal)) ?? [];
  if (sign === undefined) throw new TypeError(`${String(decimal)} is no decimal number`);
  const shift = digits - fraction.length + Number(exponent);
  const value = BigInt(whole + fraction);
  const nanos = shift >= 0 ? value * 10n ** BigInt(shift) : value / 10n ** BigInt(-shift);
  return sign === "-" ? -nanos : nanos;
}

/** The exact amount as a decimal, such as `12.5`. */
export function decimalOf(nanos: bigint): string {
  const text = fixed(nanos, digits);
  return text.replace(/\.?0+$/, "");
}

/** Cents, unless all of it is less than a dollar: then hundredths of a cent. */
export function decimalsFor(total: bigint): 2 | 4 {
  return total < perDollar ? 4 : 2;
}

/** For people: rounded half up. What is more than nothing and would be shown as nothing is `<0.01`. */
export function usdText(nanos: bigint, decimals: 2 | 4): string {
  const unit = 10n ** BigInt(digits - decimals);
  if (nanos > 0n && nanos * 2n < unit) return `<${fixed(unit, decimals)}`;
  return fixed(nanos, decimals).replace(/\B(?=(\d{3})+\.)/g, ",");
}

function fixed(nanos: bigint, decimals: number): string {
  const unit = 10n ** BigInt(digits - decimals);
  const size = nanos < 0n ? -nanos : nanos;
  const rounded = (size + unit / 2n) / unit;
  const scale = 10n ** BigInt(decimals);
  const sign = nanos < 0n && rounded > 0n ? "-" : "";
  return `${sign}${rounded / scale}.${String(rounded % scale).padStart(decimals, "0")}`;
}
