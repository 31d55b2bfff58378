/** Draws from the likelihoods p(x | y, z): one uniform or normal number a value. */

import type { Likelihood } from "./bundle/manifest.js";
import { numberCount, type Column } from "./rows/columns.js";
import { floats, type NdArray } from "./rows/arrays.js";
import { Stream, type Seed } from "./noise/streams.js";

type Parameters = Readonly<Record<string, NdArray<Float32Array>>>;

const BLOCK = 1000;

/** The decoder's outputs that a likelihood is drawn from; none where it is not known. */
export function parameterNames(likelihood: Likelihood, columns: readonly Column[]): string[] {
  const numbers = numberCount(columns);
  if (likelihood.name === "columns") {
    const codes = columns.length > numbers ? ["code_probs"] : [];
    return [...(numbers ? ["mean", "scale"] : []), ...codes];
  }
  return NAMES[likelihood.name] ?? [];
}

const NAMES: Readonly<Record<string, string[]>> = {
  bernoulli: ["probs"],
  binomial: ["probs"],
  gaussian: ["mean", "scale"],
  logistic: ["mean", "scale"],
};

/**
 * Draw x, float32 [n, ...]; of a table whole rows [n, columns].
 *
 * @param given The decoder's outputs by name.
 * @param shape The shape of all rows.
 */
export function drawn(
  given: Parameters,
  likelihood: Likelihood,
  columns: readonly Column[],
  seed: Seed,
  shape: readonly number[],
): NdArray<Float32Array> {
  if (likelihood.name === "columns") return table(given, columns, seed, shape[0] ?? 0);
  const stream = new Stream(seed, "x");
  const { mean, scale, probs } = given;
  const values =
    probs !== undefined
      ? levels(probs.data, likelihood, stream)
      : likelihood.name === "logistic"
        ? nearest(mean, scale, likelihood, stream)
        : gaussian(mean, scale, stream);
  return floats(values, shape);
}

type Maybe = NdArray<Float32Array> | undefined;

/** x = mean + scale * eps. */
function gaussian(mean: Maybe, scale: Maybe, stream: Stream): Float32Array {
  const [centre, width] = [mean?.data ?? new Float32Array(), scale?.data ?? new Float32Array()];
  const noise = stream.normal(centre.length);
  return centre.map((value, i) => value + Math.fround((width[i] ?? 1) * (noise[i] ?? 0)));
}

/** The level nearest to mean + scale * log(u / (1 - u)). */
function nearest(mean: Maybe, scale: Maybe, about: Likelihood, stream: Stream): Float32Array {
  const [centre, width] = [mean?.data ?? new Float32Array(), scale?.data ?? new Float32Array()];
  const uniform = stream.uniform(centre.length);
  return centre.map((value, i) => {
    const u = uniform[i] ?? 0;
    const x = value + (width[i] ?? 1) * (Math.log(u) - Math.log1p(-u));
    const level = rint((x - about.low) / about.step);
    return scaled(Math.min(Math.max(level, 0), about.total), about);
  });
}

/** Of bernoulli [u < p], of binomial a count of `total`. */
function levels(probs: Float32Array, about: Likelihood, stream: Stream): Float32Array {
  if (about.name === "bernoulli") {
    const uniform = stream.uniform(probs.length);
    return probs.map((p, i) => scaled(Number((uniform[i] ?? 0) < p), about));
  }
  const counts = new Float64Array(probs.length);
  for (let start = 0; start < about.total; start += BLOCK) {
    const size = Math.min(BLOCK, about.total - start);
    const uniform = stream.uniform(probs.length);
    probs.forEach((p, i) => (counts[i] = (counts[i] ?? 0) + count(p, size, uniform[i] ?? 0)));
  }
  return Float32Array.from(counts, (value) => scaled(value, about));
}

/** Invert the binomial distribution function by adding up its terms from zero. */
function count(p: number, total: number, u: number): number {
  const rare = Math.min(p, 1 - p);
  const odds = rare / (1 - rare);
  let term = (1 - rare) ** total;
  let below = term;
  let k = 0;
  while (k < total && u >= below) {
    term *= odds * ((total - k) / (k + 1));
    below += term;
    k++;
  }
  return p > 0.5 ? total - k : k;
}

function scaled(level: number, about: Likelihood): number {
  return Math.fround(about.low) + Math.fround(Math.fround(about.step) * level);
}

/** The nearest whole number, of halves the even one, as numpy rounds. */
export function rint(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** Rows of a table: numbers as of `gaussian`, then a code for every categorical column. */
function table(
  given: Parameters,
  columns: readonly Column[],
  seed: Seed,
  rows: number,
): NdArray<Float32Array> {
  const [count, width] = [numberCount(columns), columns.length];
  const data = new Float32Array(rows * width);
  if (count) {
    const numbers = gaussian(given["mean"], given["scale"], new Stream(seed, "x"));
    numbers.forEach((value, i) => (data[Math.floor(i / count) * width + (i % count)] = value));
  }
  const probs = given["code_probs"];
  if (!probs) return floats(data, [rows, width]);
  const uniform = new Stream(seed, "codes").uniform(rows * (width - count));
  for (let row = 0; row < rows; row++) {
    let start = row * (probs.shape[1] ?? 0);
    columns.slice(count).forEach((column, k) => {
      const block = probs.data.subarray(start, start + column.categories.length);
      data[row * width + count + k] = code(block, uniform[row * (width - count) + k] ?? 0);
      start += column.categories.length;
    });
  }
  return floats(data, [rows, width]);
}

/** Invert the cumulative sum of a column's probabilities. */
function code(probs: Float32Array, u: number): number {
  const total = probs.reduce((sum, p) => sum + p, 0);
  let [below, index] = [0, 0];
  for (const p of probs) {
    below += p;
    if (u * total >= below) index++;
  }
  return Math.min(index, probs.length - 1);
}
