/** What a label is: how callers write it, how it is drawn, and what a classifier's answer is. */

import type { Json } from "../bundle/json.js";
import { InputError } from "../errors.js";
import { flattened, floats, isArray, type NdArray, type Nested } from "../rows/arrays.js";

/** One label: an index or a name, and of tags a set of these. */
export type Label = number | string | ReadonlySet<number | string>;

/** A label for all rows, one for each, or numbers [m, K]. */
export type Labels = Label | readonly Label[] | readonly (readonly number[])[] | NdArray;

/** A graph's outputs by name. */
export type Outputs = Readonly<Record<string, NdArray<Float32Array>>>;

/** What every answer of a classifier has. */
export interface Answer {
  readonly space: "classes" | "tags" | "numbers" | "one-class";
  /** How many rows. */
  readonly length: number;
}

/** The space of labels of a bundle. */
export interface Space<A extends Answer = Answer> {
  readonly name: A["space"];
  readonly names: readonly string[];
  /** How many numbers a label is for the graphs. */
  readonly width: number;
  /** The classifier's outputs, and which of them the other graphs take for y. */
  readonly outputs: readonly string[];
  readonly mean: string;
  /** How many uniform numbers a drawn label takes. */
  readonly uniforms: number;
  /** Labels in any of their forms, float32 [m, width]; one serves all of `n` rows. */
  read(y: Labels, n?: number): NdArray<Float32Array>;
  /** Labels of the prior from uniform numbers [m, uniforms], float32 [m, width]. */
  draw(u: Float64Array): NdArray<Float32Array>;
  answer(outputs: Outputs): A;
  /** Rows predicted otherwise here though the golden prediction is clear. */
  differs(here: Outputs, golden: Outputs, atol: number, rtol: number): number[];
}

/** How a space is read from a manifest. */
export type Parse = (section: Json) => Space;

/** Whether something is one label by index or name, or of tags a set of these. */
export function isLabel(value: unknown, sets: boolean): value is Label {
  if (value instanceof Set) return sets && [...value].every((entry) => isLabel(entry, false));
  return typeof value === "string" || Number.isInteger(value);
}

/**
 * Labels that have names: one-hot rows, or weights as they are.
 *
 * @param y As callers write labels.
 * @param names The K names.
 * @param n How many rows they are for: one label then serves all.
 * @param sets Whether a set of names may stand wherever one may.
 */
export function readNamed(
  y: Labels,
  names: readonly string[],
  n: number | undefined,
  sets: boolean,
): NdArray<Float32Array> {
  const single = isLabel(y, sets);
  const entries: readonly unknown[] | undefined = single ? [y] : Array.isArray(y) ? y : undefined;
  const labels = entries?.every((entry): entry is Label => isLabel(entry, sets))
    ? marked(entries, names)
    : matrix(y as NdArray | readonly (readonly number[])[], names.length);
  return fitted(labels, n, single);
}

/** Labels that are as many as rows; a single one is repeated. */
export function fitted(
  labels: NdArray<Float32Array>,
  n: number | undefined,
  single: boolean,
): NdArray<Float32Array> {
  const [m = 0, k = 0] = labels.shape;
  if (n === undefined || m === n) return labels;
  if (!single) throw new InputError("y", `${m} labels`, `one for each of the ${n} rows of x`);
  return floats(
    Float32Array.from({ length: n * k }, (_, i) => labels.data[i % k] ?? 0),
    [n, k],
  );
}

/** Numbers [m, k], float32. */
export function matrix(y: NdArray | Nested, k: number): NdArray<Float32Array> {
  const given = isArray(y) ? y : flattened(y, "y");
  if (given.shape.length !== 2 || given.shape[1] !== k) {
    const got = `of shape [${given.shape.join(", ")}]`;
    throw new InputError("y", got, `an index or a name, a list of them, or numbers [n, ${k}]`);
  }
  const data = Float32Array.from(given.data as ArrayLike<number>, Number);
  if (!data.every(Number.isFinite)) throw new InputError("y", "not finite", "finite numbers");
  return floats(data, given.shape);
}

function marked(entries: readonly Label[], names: readonly string[]): NdArray<Float32Array> {
  const k = names.length;
  const data = new Float32Array(entries.length * k);
  entries.forEach((entry, row) => {
    for (const one of entry instanceof Set ? entry : [entry as number | string]) {
      data[row * k + indexOf(one as number | string, names)] = 1;
    }
  });
  return floats(data, [entries.length, k]);
}

function indexOf(value: number | string, names: readonly string[]): number {
  const index = typeof value === "string" ? names.indexOf(value) : value;
  if (index >= 0 && index < names.length) return index;
  const want = `an index from 0 to ${names.length - 1} or a name among ${names.slice(0, 12).join(", ")}`;
  throw new InputError("y", JSON.stringify(value), want);
}

/** The place of the largest of some numbers, the first of equals. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}

/** Row `i` of an array [n, k]. */
export function rowOf(array: NdArray<Float32Array>, i: number): Float32Array {
  const width = array.data.length / Math.max(array.shape[0] ?? 1, 1);
  return array.data.subarray(i * width, (i + 1) * width);
}

/** The output of a name; graphs have been checked to give it. */
export function output(outputs: Outputs, name: string): NdArray<Float32Array> {
  return outputs[name] ?? floats([], [0, 0]);
}

/** For each row the `k` names of the largest logits with their probabilities, best first. */
export function ranked(
  logits: NdArray<Float32Array>,
  probs: NdArray<Float32Array>,
  names: readonly string[],
  k: number,
): [name: string, probability: number][][] {
  return Array.from({ length: logits.shape[0] ?? 0 }, (_, row) => {
    const [values, shares] = [rowOf(logits, row), rowOf(probs, row)];
    const order = [...names.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
    return order.slice(0, Math.max(k, 0)).map((i) => [names[i] ?? "", shares[i] ?? 0]);
  });
}
