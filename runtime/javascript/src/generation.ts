/** Generate x from labels and noise: both are drawn here, prior and decoder do the rest. */

import type { Samples } from "./answers.js";
import type { Graph, Manifest, Tensor } from "./bundle/manifest.js";
import type { Arrays, Graphs } from "./engine.js";
import { InputError, TaskUnavailable } from "./errors.js";
import type { Labels } from "./labels/space.js";
import { drawn, parameterNames, rint } from "./likelihoods.js";
import { seedOf, Stream, type Seed } from "./noise/streams.js";
import { empty, floats, LIMITS, repeated, type DType, type NdArray } from "./rows/arrays.js";
import { wholeRows } from "./rows/columns.js";

/** What `generate` can be told. */
export interface GenerateOptions {
  /** The same seed gives the same rows as Python does; by default a fresh one, which is returned. */
  readonly seed?: Seed;
  /** Draw x from the likelihood instead of giving its expected value. */
  readonly sample?: boolean;
  /** What the noise is multiplied by that z, or x without z, is drawn by. */
  readonly temperature?: number;
  /** The latents [rows, Z] to use instead of drawing them. */
  readonly z?: NdArray<Float32Array>;
  /** Noise to use instead of drawing it, by the names of `Model.noises`, each [rows, ...]. */
  readonly noise?: Readonly<Record<string, NdArray<Float32Array>>>;
}

const TASK = "generate";

/** The noise that is drawn to generate; a temperature multiplies the first. */
export function noises(about: Manifest): Tensor[] {
  const [prior, decoder] = [about.graphs.get("prior"), about.graphs.get("decoder")];
  const mapped = prior ? noisy(prior) : [];
  const z = prior ? [] : (decoder?.inputs.filter((tensor) => tensor.name === "z") ?? []);
  const every = [...mapped, ...z, ...(decoder ? noisy(decoder) : [])];
  return every.filter((tensor, i) => every.findIndex((t) => t.name === tensor.name) === i);
}

/** Answer a request; `Model.generate` documents it. */
export async function generated(
  graphs: Graphs,
  y: Labels | undefined,
  n: number,
  options: GenerateOptions,
): Promise<Samples> {
  const about = graphs.bundle.manifest;
  const decoder = graphs.graph("decoder", TASK);
  const seed = seedOf(options.seed);
  const { z } = options;
  if (!Number.isInteger(n) || n < 0) throw new InputError("n", String(n), "a whole number from 0");
  if (z && !takes(decoder, "z")) {
    throw new InputError("z", "given", "undefined: this decoder takes no latent");
  }
  const labels = labelled(about, decoder, y, n, seed, z?.shape[0]);
  const rows = labels.shape[0] ?? 0;
  const feeds: Record<string, NdArray> = { y: labels, ...noise(about, seed, rows, options) };
  if (z) feeds["z"] = z;
  else if (about.graphs.has("prior")) {
    feeds["z"] = (await graphs.run("prior", TASK, feeds))["z"] ?? floats([], [rows, 0]);
  }
  const outputs = await graphs.run("decoder", TASK, feeds);
  const { columns } = about;
  const expected = columns.length ? wholeRows(outputs, columns) : outputs["x"];
  let x = expected ?? floats([], [rows, 0]);
  if (options.sample) {
    const likelihood = about.likelihood;
    const names = likelihood ? parameterNames(likelihood, columns) : [];
    if (!likelihood || !names.length || !names.every((name) => outputs[name])) {
      const found = `This bundle declares the likelihood ${likelihood?.name ?? "of nothing"}`;
      throw new TaskUnavailable(found, "one to draw x from", "Generate expected values.");
    }
    x = drawn(outputs, likelihood, columns, seed, x.shape);
  }
  const latent = takes(decoder, "z")
    ? (feeds["z"] as NdArray<Float32Array>)
    : floats([], [rows, 0]);
  return { x, y: labels, z: latent, seed, asInput: () => asInput(x, inputDtype(about)) };
}

/** The dtype in which graphs take x; float32 where none does. */
function inputDtype(about: Manifest): DType {
  const inputs = [...about.graphs.values()].flatMap((graph) => graph.inputs);
  return inputs.find((tensor) => tensor.name === "x")?.dtype ?? "float32";
}

/** Numbers rounded and clipped to a dtype. */
function asInput(x: NdArray<Float32Array>, dtype: DType): NdArray {
  const limits = LIMITS[dtype];
  if (!limits) return x;
  const result = empty(dtype, x.shape);
  x.data.forEach((value, i) => {
    const whole = Math.min(Math.max(rint(value), limits[0]), limits[1]);
    if (result.data instanceof BigInt64Array) result.data[i] = BigInt(whole);
    else result.data[i] = whole;
  });
  return result;
}

function takes(graph: Graph | undefined, name: string): boolean {
  return graph?.inputs.some((tensor) => tensor.name === name) ?? false;
}

function noisy(graph: Graph): Tensor[] {
  return graph.inputs.filter((tensor) => graph.noise.includes(tensor.name));
}

/** All noise that is not given, drawn; the temperature scales that of z. */
function noise(
  about: Manifest,
  seed: Seed,
  rows: number,
  { z, noise: given = {}, temperature = 1 }: GenerateOptions,
): Arrays {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new InputError("temperature", String(temperature), "a number above 0");
  }
  if (z && temperature !== 1) {
    throw new InputError("temperature", String(temperature), "1 where z is given");
  }
  const prior = about.graphs.get("prior");
  const every = noises(about).filter((tensor) => !z || !(prior && noisy(prior).includes(tensor)));
  const arrays: Record<string, NdArray> = {};
  every.forEach(({ name, row }, place) => {
    if (z && name === "z") return;
    const own = given[name];
    const shape = [rows, ...row];
    if (own && own.shape.join() !== shape.join()) {
      throw new InputError(name, `of shape [${own.shape.join(", ")}]`, `[${shape.join(", ")}]`);
    }
    arrays[name] = own ?? tempered(seed, name, shape, place === 0 ? temperature : 1);
  });
  return arrays;
}

function tempered(
  seed: Seed,
  name: string,
  shape: readonly number[],
  temperature: number,
): NdArray<Float32Array> {
  const numbers = new Stream(seed, name).normal(shape.reduce((a, b) => a * b, 1));
  const factor = Math.fround(temperature);
  return floats(temperature === 1 ? numbers : numbers.map((value) => value * factor), shape);
}

/** One row of y for each row to generate. */
function labelled(
  about: Manifest,
  decoder: Graph,
  y: Labels | undefined,
  n: number,
  seed: Seed,
  length: number | undefined,
): NdArray<Float32Array> {
  const { space } = about;
  const wanted =
    takes(decoder, "y") || (length === undefined && takes(about.graphs.get("prior"), "y"));
  if (!wanted) {
    if (y !== undefined) {
      throw new InputError("y", "given", "undefined: this decoder takes no label");
    }
    return floats([], [rowCount(n, 1, length), 0]);
  }
  if (y === undefined) {
    const rows = rowCount(n, 1, length);
    return space.draw(new Stream(seed, "y").uniform(rows * space.uniforms));
  }
  const entries = space.read(y);
  const count = entries.shape[0] ?? 0;
  const each = rowCount(n, count, length) / Math.max(count, 1);
  return each === 1 ? entries : repeated(entries, each);
}

/** How many rows to generate: n for each entry, or one for each row of a given z. */
function rowCount(n: number, entries: number, length: number | undefined): number {
  if (length === undefined || length === n * entries) return n * entries;
  if (n === 1 && entries === 1) return length;
  throw new InputError(
    "z",
    `of ${length} rows`,
    `${n * entries}: ${n} for each of ${entries} labels`,
  );
}
