/** Are the numbers that a graph gives what they stand for? */

import { FormatError, InputError } from "../errors.js";
import type { NdArray } from "./arrays.js";

/** Probabilities that sum to one, those that need not, numbers above zero, and any. */
export type Kind = "shares" | "truths" | "scale" | "finite";

const NEAR = 0.005; // how far from one the sum of probabilities may be

/** Refuse outputs that are not proper: InputError for NaN, which inputs can lead to, or FormatError. */
export function lookAt(
  outputs: Readonly<Record<string, NdArray<Float32Array>>>,
  kinds: Readonly<Record<string, Kind>>,
  inputs: readonly string[],
): void {
  for (const [name, array] of Object.entries(outputs)) {
    const row = array.data.findIndex((value) => !Number.isFinite(value));
    if (row >= 0) {
      const want = `finite answers; ${name} is not`;
      throw new InputError(inputs.join(", "), "beyond what the model can take", want);
    }
    const kind = kinds[name] ?? "finite";
    if (!LOOKS[kind](array)) {
      throw new FormatError(
        `The output ${name} is no ${WORDS[kind]}`,
        "",
        "Do not use this bundle.",
      );
    }
  }
}

const WORDS: Readonly<Record<Kind, string>> = {
  shares: "set of probabilities that sum to one",
  truths: "set of probabilities",
  scale: "standard deviation above 0",
  finite: "set of finite numbers",
};

const LOOKS: Readonly<Record<Kind, (array: NdArray<Float32Array>) => boolean>> = {
  finite: () => true,
  truths: ({ data }) => data.every((value) => value > -NEAR && value < 1 + NEAR),
  scale: ({ data }) => data.every((value) => value > 0),
  shares: ({ data, shape }) => {
    const width = data.length / Math.max(shape[0] ?? 1, 1);
    for (let at = 0; at < data.length; at += width) {
      const row = data.subarray(at, at + width);
      const sum = row.reduce((total, value) => total + value, 0);
      if (Math.abs(sum - 1) >= NEAR || row.some((value) => value < 0)) return false;
    }
    return true;
  },
};
