/** numpy's `SeedSequence`: whole numbers of any size to well mixed words. */

const WORDS = 4;
const [INIT_A, MULT_A] = [0x43b0d7e5, 0x931e8875];
const [INIT_B, MULT_B] = [0x8b51f9dd, 0x58f38ded];
const [MIX_L, MIX_R] = [0xca01f9dd, 0x4973f715];

/**
 * The state that numpy's `SeedSequence(entropy).generate_state` gives.
 *
 * @param entropy Whole numbers from 0.
 * @param count How many 32-bit words; numpy's 64-bit words are two of them, the lower first.
 */
export function seedState(entropy: readonly bigint[], count: number): Uint32Array {
  const pool = mixed(entropy.flatMap(words));
  const state = new Uint32Array(count);
  let constant = INIT_B;
  for (let i = 0; i < count; i++) {
    let word = (pool[i % WORDS] ?? 0) ^ constant;
    constant = Math.imul(constant, MULT_B);
    word = Math.imul(word, constant);
    state[i] = word ^ (word >>> 16);
  }
  return state;
}

/** A whole number as 32-bit words, the lowest first; 0 is one word. */
function words(value: bigint): number[] {
  const parts: number[] = [];
  for (let rest = value; rest > 0n || !parts.length; rest >>= 32n) {
    parts.push(Number(rest & 0xffffffffn));
  }
  return parts;
}

function mixed(entropy: readonly number[]): Uint32Array {
  const pool = new Uint32Array(WORDS);
  let constant = INIT_A;
  const hashed = (value: number): number => {
    const crossed = value ^ constant;
    constant = Math.imul(constant, MULT_A);
    const product = Math.imul(crossed, constant);
    return product ^ (product >>> 16);
  };
  const stir = (into: number, word: number): void => {
    const sum = Math.imul(MIX_L, pool[into] ?? 0) - Math.imul(MIX_R, hashed(word));
    pool[into] = sum ^ (sum >>> 16);
  };
  for (let i = 0; i < WORDS; i++) pool[i] = hashed(entropy[i] ?? 0);
  for (let from = 0; from < WORDS; from++) {
    for (let into = 0; into < WORDS; into++) if (from !== into) stir(into, pool[from] ?? 0);
  }
  for (const word of entropy.slice(WORDS)) {
    for (let into = 0; into < WORDS; into++) stir(into, word);
  }
  return pool;
}
