/**
 * The noise that graphs take: FORMAT.md has the rule. Each input has a stream of its own, numpy's
 * `Generator(Philox(SeedSequence([seed, crc32(name)])))`, that deals rows in order.
 */

import { InputError } from "../errors.js";
import { standardNormal } from "./normal.js";
import { Philox } from "./philox.js";

/** A whole number from 0 to 2^63 - 1; above 2^53 - 1 as a bigint. */
export type Seed = number | bigint;

const MOST_SEED = 2n ** 63n - 1n;

/** One input's numbers, dealt row by row. */
export class Stream {
  readonly #bits: Philox;

  /**
   * @param seed A whole number from 0.
   * @param name The input's name, which sets this stream apart from others of the same seed.
   */
  constructor(seed: Seed, name: string) {
    this.#bits = new Philox([BigInt(seed), BigInt(crc32(new TextEncoder().encode(name)))]);
  }

  /** The next standard normal numbers of float32. */
  normal(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => standardNormal(this.#bits));
  }

  /** The next uniform numbers in [0, 1). */
  uniform(count: number): Float64Array {
    return Float64Array.from({ length: count }, () => this.#bits.uniform());
  }
}

/** The caller's seed checked, or a fresh one of 48 bits. */
export function seedOf(seed: Seed | undefined): Seed {
  if (seed === undefined) {
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
    return (high >>> 16) * 2 ** 32 + low;
  }
  const whole = typeof seed === "bigint" || Number.isSafeInteger(seed);
  if (!whole || BigInt(seed) < 0n || BigInt(seed) > MOST_SEED) {
    const want = "a whole number from 0 to 2^63 - 1, as a bigint above 2^53 - 1";
    throw new InputError("seed", String(seed), want);
  }
  return seed;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The CRC-32 of bytes, as zlib has it. */
export function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] ?? 0);
  return (value ^ 0xffffffff) >>> 0;
}
