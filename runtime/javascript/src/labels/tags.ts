/** The space `tags`: a label says yes or no to each of K names, any number of which may hold. */

import { distinct, get, numbers, strings, type Json } from "../bundle/json.js";
import { CONVERT, FormatError, InputError } from "../errors.js";
import { floats, type NdArray } from "../rows/arrays.js";
import { output, ranked, readNamed, rowOf } from "./space.js";
import type { Answer, Labels, Outputs, Space } from "./space.js";

/** q(tag | x) for each row and tag. */
export interface Tagging extends Answer {
  readonly space: "tags";
  /** float32 [n, K]. */
  readonly logits: NdArray<Float32Array>;
  /** float32 [n, K], each from 0 to 1. */
  readonly probs: NdArray<Float32Array>;
  /** Of each row whether each tag is predicted. */
  readonly labels: readonly (readonly boolean[])[];
  /** The names of the tags that are predicted. */
  readonly names: readonly (readonly string[])[];
  /** The `k` most probable tags of each row with their probabilities, best first. */
  top(k: number): [name: string, probability: number][][];
}

/** K independent tags. */
export class Tags implements Space<Tagging> {
  readonly name = "tags";
  readonly outputs = ["logits", "probs"];
  readonly mean = "probs";

  /** @param threshold The probability from which each tag is predicted. */
  constructor(
    readonly names: readonly string[],
    readonly prior: readonly number[],
    readonly threshold: readonly number[],
  ) {}

  get width(): number {
    return this.names.length;
  }

  get uniforms(): number {
    return this.names.length;
  }

  read(y: Labels, n?: number): NdArray<Float32Array> {
    const labels = readNamed(y, this.names, n, true);
    if (labels.data.every((weight) => weight >= 0 && weight <= 1)) return labels;
    throw new InputError("y", "outside 0 to 1", "0 or 1, or a weight between");
  }

  draw(u: Float64Array): NdArray<Float32Array> {
    const k = this.width;
    return floats(
      u.map((value, i) => Number(value < (this.prior[i % k] ?? 0))),
      [u.length / k, k],
    );
  }

  answer(outputs: Outputs): Tagging {
    const [logits, probs] = [output(outputs, "logits"), output(outputs, "probs")];
    const length = probs.shape[0] ?? 0;
    const labels = Array.from({ length }, (_, row) => this.#predicted(rowOf(probs, row)));
    return {
      space: this.name,
      length,
      logits,
      probs,
      labels,
      names: labels.map((row) => this.names.filter((_, i) => row[i])),
      top: (k) => ranked(logits, probs, this.names, k),
    };
  }

  differs(here: Outputs, golden: Outputs, atol: number, rtol: number): number[] {
    const [a, b] = [output(here, "probs"), output(golden, "probs")];
    return [...Array(b.shape[0] ?? 0).keys()].filter((row) => {
      const wanted = rowOf(b, row);
      const [mine, theirs] = [this.#predicted(rowOf(a, row)), this.#predicted(wanted)];
      return [...wanted].some((p, i) => {
        const clear = Math.abs(p - Math.fround(this.threshold[i] ?? 0.5)) > atol + rtol * p;
        return clear && mine[i] !== theirs[i];
      });
    });
  }

  #predicted(probs: Float32Array): boolean[] {
    return [...probs].map((p, i) => p >= Math.fround(this.threshold[i] ?? 0.5));
  }
}

/** The field `labels` of a manifest. */
export function parseTags(section: Json): Tags {
  const [names, prior] = [strings(section, "names"), numbers(section, "prior")];
  const stated = section["threshold"] ?? 0.5;
  const threshold = Array.isArray(stated)
    ? numbers(section, "threshold")
    : names.map(() => (section["threshold"] ? get(section, "threshold", "number") : 0.5));
  const shares = [...prior, ...threshold].every((share) => share >= 0 && share <= 1);
  if (
    !names.length ||
    prior.length !== names.length ||
    threshold.length !== names.length ||
    !shares
  ) {
    const want = `${names.length} numbers from 0 to 1 for each`;
    throw new FormatError("The tags' prior or threshold cannot be read", want, CONVERT);
  }
  distinct(names, "the label");
  return new Tags(names, prior, threshold);
}
