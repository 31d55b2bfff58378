/** What a model gives back, beside the answers of its classifier. */

import type { Seed } from "./noise/streams.js";
import type { NdArray } from "./rows/arrays.js";

/** q(z | x, y) for each row: a normal distribution's mean and standard deviation. */
export interface Latent {
  /** float32 [n, Z]. */
  readonly mean: NdArray<Float32Array>;
  /** float32 [n, Z]. */
  readonly scale: NdArray<Float32Array>;
}

/** Generated rows, and everything needed to generate them again. */
export interface Samples {
  /** float32 [n, ...] in the data set's own units: expected values, or draws. */
  readonly x: NdArray<Float32Array>;
  /** float32 [n, K], the label of each row; [n, 0] without labels. */
  readonly y: NdArray<Float32Array>;
  /** float32 [n, Z], the latent that the decoder was given; Z is 0 where it takes none. */
  readonly z: NdArray<Float32Array>;
  /** What the draws were seeded with. */
  readonly seed: Seed;
  /** `x` rounded and clipped to the input dtype, ready for `classify`. */
  asInput(): NdArray;
}

/** How strange each row is. */
export interface Scores {
  /** float32 [n]; higher is stranger: minus a lower bound of log p(x) where the unit is nats. */
  readonly score: Float32Array;
  /** The share of validation rows as strange or stranger, [n]: 0.5 is usual, near 0 strange. */
  readonly rank: Float64Array;
  /** Whether each score is within the bundle's threshold; undefined where it has none. */
  readonly inlier?: readonly boolean[];
  readonly unit: string;
}

/** One graph's golden rows. */
export interface Check {
  readonly component: string;
  readonly variant: string;
  readonly precision: string;
  readonly rows: number;
  /** The output that is furthest off for what is allowed. */
  readonly output: string;
  /** The largest difference of any output. */
  readonly maxAbs: number;
  /** The largest difference as a share of what is allowed; at most 1 passes. */
  readonly worst: number;
  /** Rows predicted otherwise although their golden prediction is clear. */
  readonly disagreements: readonly number[];
  readonly passed: boolean;
}

/** The outcome of a self-check. */
export interface VerifyReport {
  readonly passed: boolean;
  /** The bundle's id, the SHA-256 of its SHA256SUMS. */
  readonly id: string;
  /** The version of onnxruntime-web. */
  readonly onnxruntime: string;
  readonly checks: readonly Check[];
}

/** What is open. */
export interface Info {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly id: string;
  readonly format: string;
  readonly tasks: readonly Task[];
  readonly space: string;
  readonly labels: readonly string[];
  readonly provider: string;
  readonly variants: Readonly<Record<string, string>>;
}

/** What a bundle may have graphs for. */
export type Task = "classify" | "encode" | "reconstruct" | "generate" | "score";
