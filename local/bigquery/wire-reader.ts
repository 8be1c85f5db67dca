const TWO_TO_32 = 0x1_0000_0000;

/** A value of protobuf's wire format that the row's message type does not allow, or no wire format at all. */
export class WireFault extends Error {
  override readonly name = "WireFault";
}

/** Reads protobuf's wire format. Every method throws `WireFault` when the bytes end too early. */
export class WireReader {
  readonly buffer: Buffer;
  readonly #view: DataView;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A varint of at most 32 bits: a tag or a length. */
  uint32(): number {
    const { buffer } = this;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = buffer[this.position++];
      if (byte === undefined) throw new WireFault("The row ends within a number.");
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new WireFault("A tag or length has more than 32 bits.");
  }

  /** A varint as a signed 64-bit integer: a number where that is exact, a bigint where it is not. */
  int64(): number | bigint {
    const { buffer } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = buffer[this.position++];
      if (byte === undefined) throw new WireFault("The row ends within a number.");
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (shift - 32);
      if (byte < 128) return signed64(low >>> 0, high | 0);
    }
    throw new WireFault("A number has more than 64 bits.");
  }

  /** A zigzag varint (sint32, sint64). */
  sint64(): number | bigint {
    const value = BigInt.asUintN(64, BigInt(this.int64()));
    return exact((value >> 1n) ^ -(value & 1n));
  }

  fixed32(): number {
    const at = this.#advance(4);
    return this.#view.getUint32(at, true);
  }

  sfixed64(): number | bigint {
    const at = this.#advance(8);
    return signed64(this.#view.getUint32(at, true), this.#view.getInt32(at + 4, true));
  }

  float(): number {
    const at = this.#advance(4);
    return this.#view.getFloat32(at, true);
  }

  double(): number {
    const at = this.#advance(8);
    return this.#view.getFloat64(at, true);
  }

  /** A length-delimited value; it shares memory with the buffer. */
  bytes(): Uint8Array {
    const length = this.uint32();
    const at = this.#advance(length);
    const { buffer } = this;
    return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset + at, length);
  }

  /** Reads a length and returns where the value ends. */
  end(): number {
    const length = this.uint32();
    const end = this.position + length;
    if (end > this.buffer.length) throw new WireFault("The row ends within a value.");
    return end;
  }

  #advance(byteCount: number): number {
    const at = this.position;
    this.position += byteCount;
    if (this.position > this.buffer.length) throw new WireFault("The row ends within a value.");
    return at;
  }
}

function signed64(low: number, high: number): number | bigint {
  const value = high * TWO_TO_32 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
