/** The space `numbers`: a label is one number or several, each predicted with its deviation. */

import { distinct, numbers, strings, type Json } from "../bundle/json.js";
import { CONVERT, FormatError, InputError } from "../errors.js";
import { flattened, floats, isArray, type NdArray, type Nested } from "../rows/arrays.js";
import { inverseNormal } from "./quantiles.js";
import {
  fitted,
  matrix,
  output,
  type Answer,
  type Labels,
  type Outputs,
  type Space,
} from "./space.js";

/** q(y | x) for each row: normal distributions of its numbers. */
export interface Estimate extends Answer {
  readonly space: "numbers";
  /** float32 [n, D], each in its own unit. */
  readonly mean: NdArray<Float32Array>;
  /** float32 [n, D], the standard deviations. */
  readonly scale: NdArray<Float32Array>;
}

const EDGE = 1e-12; // the least probability that a draw is made from

/** D numbers. */
export class Numbers implements Space<Estimate> {
  readonly name = "numbers";
  readonly outputs = ["mean", "scale"];
  readonly mean = "mean";

  /**
   * @param means The mean of each among the labelled training rows, in its own unit.
   * @param deviations The standard deviation of each.
   */
  constructor(
    readonly names: readonly string[],
    readonly means: readonly number[],
    readonly deviations: readonly number[],
  ) {}

  get width(): number {
    return this.names.length;
  }

  get uniforms(): number {
    return this.names.length;
  }

  /** Numbers [m, D]; of one number also a number or [m]; of several [D], which serves all rows. */
  read(y: Labels, n?: number): NdArray<Float32Array> {
    const given = isArray(y) ? y : flattened(y as Nested, "y");
    const d = this.width;
    if (given.shape.length > 2) throw new InputError("y", "nested too deeply", `numbers [n, ${d}]`);
    const single = given.shape.length === 0 || (given.shape.length === 1 && d > 1);
    const shape =
      given.shape.length === 2
        ? given.shape
        : single
          ? [1, given.data.length]
          : [given.data.length, 1];
    return fitted(matrix({ data: given.data, shape }, d), n, single);
  }

  draw(u: Float64Array): NdArray<Float32Array> {
    const d = this.width;
    const own = Float32Array.from(u, (value, i) => {
      const standard = inverseNormal(Math.min(Math.max(value, EDGE), 1 - EDGE));
      return (this.means[i % d] ?? 0) + (this.deviations[i % d] ?? 1) * standard;
    });
    return floats(own, [u.length / d, d]);
  }

  answer(outputs: Outputs): Estimate {
    const [mean, scale] = [output(outputs, "mean"), output(outputs, "scale")];
    return { space: this.name, length: mean.shape[0] ?? 0, mean, scale };
  }

  /** None: whether means agree is seen by their values. */
  differs(): number[] {
    return [];
  }
}

/** The field `labels` of a manifest. */
export function parseNumbers(section: Json): Numbers {
  const names = strings(section, "names");
  const [means, deviations] = [numbers(section, "mean"), numbers(section, "deviation")];
  const equal = names.length === means.length && names.length === deviations.length;
  if (!names.length || !equal || !deviations.every((deviation) => deviation > 0)) {
    const want = "as many means as names, and as many deviations above 0";
    throw new FormatError("The numbers of the manifest cannot be read", want, CONVERT);
  }
  distinct(names, "the label");
  return new Numbers(names, means, deviations);
}
