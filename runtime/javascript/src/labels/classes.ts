/** The space `classes`: a label is one of K classes. */

import { distinct, get, numbers, strings, typed, type Json } from "../bundle/json.js";
import { CONVERT, FormatError } from "../errors.js";
import { floats, type NdArray } from "../rows/arrays.js";
import { largest, output, ranked, readNamed, rowOf } from "./space.js";
import type { Answer, Labels, Outputs, Space } from "./space.js";

/** q(y | x) for each row. */
export interface Classification extends Answer {
  readonly space: "classes";
  /** float32 [n, K]. */
  readonly logits: NdArray<Float32Array>;
  /** float32 [n, K]; each row sums to one. */
  readonly probs: NdArray<Float32Array>;
  /** The most probable label of each row: its index, its name, the training labels' own value. */
  readonly labels: readonly number[];
  readonly names: readonly string[];
  readonly values: readonly (number | string)[];
  /** The `k` most probable labels of each row with their probabilities, best first. */
  top(k: number): [name: string, probability: number][][];
}

/** K classes. */
export class Classes implements Space<Classification> {
  readonly name = "classes";
  readonly outputs = ["logits", "probs"];
  readonly mean = "probs";
  readonly uniforms = 1;

  constructor(
    readonly names: readonly string[],
    readonly values: readonly (number | string)[],
    readonly prior: readonly number[],
  ) {}

  get width(): number {
    return this.names.length;
  }

  read(y: Labels, n?: number): NdArray<Float32Array> {
    return readNamed(y, this.names, n, false);
  }

  /** Invert the prior's cumulative sum. */
  draw(u: Float64Array): NdArray<Float32Array> {
    const total = this.prior.reduce((sum, share) => sum + share, 0);
    let sum = 0;
    const bounds = this.prior.map((share) => (sum += share) / total);
    const indices = [...u].map((value) => {
      const index = bounds.findIndex((bound) => value < bound);
      return index < 0 ? bounds.length - 1 : index;
    });
    return u.length ? this.read(indices) : floats([], [0, this.width]);
  }

  answer(outputs: Outputs): Classification {
    const [logits, probs] = [output(outputs, "logits"), output(outputs, "probs")];
    const length = logits.shape[0] ?? 0;
    const labels = Array.from({ length }, (_, row) => largest(rowOf(logits, row)));
    return {
      space: this.name,
      length,
      logits,
      probs,
      labels,
      names: labels.map((label) => this.names[label] ?? ""),
      values: labels.map((label) => this.values[label] ?? label),
      top: (k) => ranked(logits, probs, this.names, k),
    };
  }

  differs(here: Outputs, golden: Outputs, atol: number, rtol: number): number[] {
    const [a, b] = [output(here, "probs"), output(golden, "probs")];
    return [...Array(b.shape[0] ?? 0).keys()].filter((row) => {
      const wanted = rowOf(b, row);
      const [second = 0, first = 0] = [...wanted].sort((x, y) => x - y).slice(-2);
      const clear = wanted.length < 2 || first - second > 2 * (atol + rtol * first);
      return clear && largest(rowOf(a, row)) !== largest(wanted);
    });
  }
}

/** The field `labels` of a manifest. */
export function parseClasses(section: Json): Classes {
  const [names, prior] = [strings(section, "names"), numbers(section, "prior")];
  const values = get(section, "values", "list").map((value) =>
    typeof value === "number" ? value : typed(value, "string", "values"),
  );
  if (!names.length || names.length !== values.length || names.length !== prior.length) {
    const found = `The manifest has ${names.length} labels, ${values.length} classes`;
    throw new FormatError(`${found} and ${prior.length} prior entries`, "as many", CONVERT);
  }
  distinct(names, "the label");
  distinct(values, "the class");
  const sum = prior.reduce((total, share) => total + share, 0);
  if (Math.abs(sum - 1) > 1e-3 || prior.some((share) => share < 0)) {
    throw new FormatError(`The prior of the manifest sums to ${sum}`, "1", CONVERT);
  }
  return new Classes(names, values, prior);
}
