/**
 * Runs .ssdgm bundles in browsers and Node, with the words of Python's `ssdgm_runtime`.
 *
 * @example
 * const model = await load("digits.ssdgm");
 * const answer = await model.classify({ data: pixels, shape: [1, 8, 8] });
 */

import { MissingEngine } from "./errors.js";
import type { Engine } from "./engine.js";
import { open, type Place } from "./loading.js";
import type { Model, ModelOptions } from "./model.js";

/** How a bundle is opened. */
export interface LoadOptions extends ModelOptions {
  /** A module of onnxruntime-web; by default that of the package. */
  readonly engine?: Engine;
}

/**
 * Open a bundle.
 *
 * @param place The address of a zip or folder, a zip's bytes, or what reads its files.
 * @throws BundleNotFound, FormatError, UnsupportedVersion, IntegrityError, MissingEngine
 */
export async function load(place: Place, options: LoadOptions = {}): Promise<Model> {
  return open(place, options.engine ?? (await installed()), options);
}

async function installed(): Promise<Engine> {
  try {
    return await import("onnxruntime-web");
  } catch (error) {
    const mend = "npm install onnxruntime-web";
    throw new MissingEngine("onnxruntime-web is not installed", "", mend, { cause: error });
  }
}

export * from "./errors.js";
export type * from "./answers.js";
export type { Manifest, Tensor } from "./bundle/manifest.js";
export type { Source } from "./bundle/sources.js";
export type { Engine, Provider } from "./engine.js";
export type { GenerateOptions } from "./generation.js";
export type { Classification } from "./labels/classes.js";
export type { Estimate } from "./labels/numbers.js";
export type { Verdict } from "./labels/oneclass.js";
export type { AnyAnswer, Space } from "./labels/registry.js";
export type { Label, Labels } from "./labels/space.js";
export type { Tagging } from "./labels/tags.js";
export { open, type Place } from "./loading.js";
export { Model, type ModelOptions } from "./model.js";
export { Stream, type Seed } from "./noise/streams.js";
export type { Data, DType, NdArray, Nested } from "./rows/arrays.js";
export { named, type Cell, type Column, type Table } from "./rows/columns.js";
export type { Rows } from "./rows/intake.js";
