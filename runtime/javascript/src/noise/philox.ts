/**
 * numpy's bit generator `Philox`, which is Philox4x64-10 (Salmon, Moraes, Dror and Shaw, 2011,
 * "Parallel random numbers: as easy as 1, 2, 3"), on pairs of 32-bit words.
 */

import { seedState } from "./seeds.js";

const ROUNDS = 10;
const TWO32 = 2 ** 32;
const [M0, M1] = [
  [0xe14c6c93, 0xd2e7470e],
  [0x95121157, 0xca5a8263],
] as const;
const [W0, W1] = [
  [0x7f4a7c15, 0x9e3779b9],
  [0x84caa73b, 0xbb67ae85],
] as const;

/** A stream of random words: numpy's `Philox(SeedSequence(entropy))`. */
export class Philox {
  readonly #key: Uint32Array;
  readonly #block = new Uint32Array(8); // four words of 64 bits, the lower half first
  #count = 0;
  #taken = 4;
  #kept: number | undefined;

  /** @param entropy Whole numbers from 0. */
  constructor(entropy: readonly bigint[]) {
    this.#key = seedState(entropy, 4);
  }

  /** A whole number of 32 bits. */
  uint32(): number {
    const kept = this.#kept;
    if (kept !== undefined) {
      this.#kept = undefined;
      return kept;
    }
    const at = this.#next64();
    this.#kept = this.#block[at + 1] ?? 0;
    return this.#block[at] ?? 0;
  }

  /** A number in [0, 1) of 53 bits, as numpy's `Generator.random` gives it. */
  uniform(): number {
    const at = this.#next64();
    const [low, high] = [this.#block[at] ?? 0, this.#block[at + 1] ?? 0];
    return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
  }

  /** A number in [0, 1) of 24 bits, as numpy's float32 draws use it. */
  float(): number {
    return (this.uint32() >>> 8) / 2 ** 24;
  }

  /** The place in the block of the next word of 64 bits. */
  #next64(): number {
    if (this.#taken === 4) {
      this.#taken = 0;
      this.#fill(++this.#count);
    }
    return 2 * this.#taken++;
  }

  /** The block of a counter, which is counted in 53 bits: more than any stream uses. */
  #fill(count: number): void {
    let c0l = count >>> 0;
    let c0h = Math.floor(count / TWO32) >>> 0;
    let [c1l, c1h, c2l, c2h, c3l, c3h] = [0, 0, 0, 0, 0, 0];
    let [k0l = 0, k0h = 0, k1l = 0, k1h = 0] = this.#key;
    for (let round = 0; round < ROUNDS; round++) {
      const [a0, a1, a2, a3] = product(c0l, c0h, M0[0], M0[1]);
      const [b0, b1, b2, b3] = product(c2l, c2h, M1[0], M1[1]);
      [c0l, c0h] = [b2 ^ c1l ^ k0l, b3 ^ c1h ^ k0h];
      [c2l, c2h] = [a2 ^ c3l ^ k1l, a3 ^ c3h ^ k1h];
      [c1l, c1h, c3l, c3h] = [b0, b1, a0, a1];
      [k0l, k0h] = sum(k0l, k0h, W0[0], W0[1]);
      [k1l, k1h] = sum(k1l, k1h, W1[0], W1[1]);
    }
    this.#block.set([c0l, c0h, c1l, c1h, c2l, c2h, c3l, c3h]);
  }
}

type Pair = readonly [low: number, high: number];

/** The sum of two words of 64 bits, without its carry. */
function sum(al: number, ah: number, bl: number, bh: number): Pair {
  const low = (al >>> 0) + bl;
  return [low >>> 0, (ah + bh + Number(low >= TWO32)) >>> 0];
}

/** The product of two words of 32 bits. */
function wide(a: number, b: number): Pair {
  const upper = a * (b >>> 16);
  const low = a * (b & 0xffff) + (upper % 0x10000) * 0x10000;
  return [low >>> 0, Math.floor(upper / 0x10000) + Math.floor(low / TWO32)];
}

/** The product of two words of 64 bits, as four of 32 bits, the lowest first. */
function product(
  al: number,
  ah: number,
  bl: number,
  bh: number,
): readonly [number, number, number, number] {
  const [l0, h0] = wide(al >>> 0, bl);
  const [l1, h1] = wide(al >>> 0, bh);
  const [l2, h2] = wide(ah >>> 0, bl);
  const [l3, h3] = wide(ah >>> 0, bh);
  const second = h0 + l1 + l2;
  const third = h1 + h2 + l3 + Math.floor(second / TWO32);
  return [l0, second >>> 0, third >>> 0, (h3 + Math.floor(third / TWO32)) >>> 0];
}
