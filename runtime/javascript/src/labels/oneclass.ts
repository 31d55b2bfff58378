/** The space `one-class`: a row is normal or an outlier, by its score and a threshold. */

import { distinct, get, numbers, optional, strings, type Json } from "../bundle/json.js";
import { CONVERT, FormatError } from "../errors.js";
import { floats, type NdArray } from "../rows/arrays.js";
import { ranks } from "./quantiles.js";
import {
  output,
  readNamed,
  rowOf,
  type Answer,
  type Labels,
  type Outputs,
  type Space,
} from "./space.js";

/** Which rows are outliers. */
export interface Verdict extends Answer {
  readonly space: "one-class";
  /** float32 [n], higher for stranger rows. */
  readonly score: Float32Array;
  /** The share of normal rows as strange or stranger, [n]; NaN where it is not known. */
  readonly rank: Float64Array;
  /** 1 of outliers, else 0. */
  readonly labels: readonly number[];
  readonly names: readonly string[];
}

/** Normal rows and outliers. */
export class OneClass implements Space<Verdict> {
  readonly name = "one-class";
  readonly width = 1;
  readonly outputs = ["score"];
  readonly mean = "score";
  readonly uniforms = 1;

  constructor(
    readonly names: readonly string[],
    readonly threshold: number,
    readonly falseAlarms: number,
    readonly unit: string,
    readonly levels: readonly number[],
    readonly values: readonly number[],
  ) {}

  /** 1 of an outlier, 0 of a normal row. */
  read(y: Labels, n?: number): NdArray<Float32Array> {
    const both = readNamed(y, this.names, n, false);
    const rows = both.shape[0] ?? 0;
    return floats(
      Float32Array.from({ length: rows }, (_, i) => rowOf(both, i)[1] ?? 0),
      [rows, 1],
    );
  }

  /** Normal rows. */
  draw(u: Float64Array): NdArray<Float32Array> {
    return floats(new Float32Array(u.length), [u.length, 1]);
  }

  answer(outputs: Outputs): Verdict {
    const score = output(outputs, "score").data;
    const labels = [...score].map((value) => Number(value > this.threshold));
    return {
      space: this.name,
      length: score.length,
      score,
      rank: ranks(score, this.levels, this.values),
      labels,
      names: labels.map((label) => this.names[label] ?? ""),
    };
  }

  differs(here: Outputs, golden: Outputs, atol: number, rtol: number): number[] {
    const [mine, theirs] = [this.answer(here), this.answer(golden)];
    return theirs.labels.flatMap((label, row) => {
      const score = theirs.score[row] ?? 0;
      const clear = Math.abs(score - this.threshold) > atol + rtol * Math.abs(score);
      return clear && mine.labels[row] !== label ? [row] : [];
    });
  }
}

/** The field `labels` of a manifest. */
export function parseOneClass(section: Json): OneClass {
  const names = strings(section, "names");
  if (names.length !== 2) {
    throw new FormatError(`The manifest has ${names.length} names of rows`, "2", CONVERT);
  }
  distinct(names, "the label");
  return new OneClass(
    names,
    get(section, "threshold", "number"),
    get(section, "false_alarms", "number"),
    optional(section, "unit", "string") ?? "",
    section["levels"] ? numbers(section, "levels") : [],
    section["values"] ? numbers(section, "values") : [],
  );
}
