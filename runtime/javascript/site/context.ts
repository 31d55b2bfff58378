/** What every part of the page knows: the model, its rows, and the row that is being looked at. */

import type { Manifest, NdArray } from "../src/index.js";
import { rowTensor, valueRange } from "../src/bundle/manifest.js";
import type { Model } from "../src/model.js";
import { floats, part } from "../src/rows/arrays.js";
import { Value } from "./value.js";

/** What rows are to people. */
export type Kind = "picture" | "series" | "table";

/** What `deploy web` says of the site it wrote. */
export interface Site {
  readonly bundle: string;
  readonly engine: {
    readonly provider: "wasm" | "webgpu";
    readonly module: string;
    readonly glue: string;
    readonly program: string;
  };
  readonly version: string;
  readonly bytes: { readonly total: number; readonly engine: number; readonly bundle: number };
  readonly files: readonly string[];
}

/** The page's state. */
export interface Context {
  readonly model: Model;
  readonly about: Manifest;
  readonly site: Site;
  readonly kind: Kind;
  /** The shape of a row as it is shown: [height, width(, 3)], [channels, time] or [values]. */
  readonly shape: readonly number[];
  readonly range: readonly [number, number];
  /** Rows that the model made, to begin with and to measure by; float32 [n, ...]. */
  readonly examples: NdArray<Float32Array>;
  /** The row that is classified, and what put it there. */
  readonly row: Value<{ readonly x: NdArray; readonly source: string }>;
  /** The last answer in a word. */
  readonly said: Value<string>;
  /** Milliseconds of the last answer. */
  readonly latency: Value<number>;
  /** Whether there is a graph for something. */
  can(task: "classify" | "encode" | "reconstruct" | "generate" | "score"): boolean;
}

const MANY = 64; // values, from which on a row without columns is a curve

/** Everything known of an open model; computes some rows. */
export async function contextOf(model: Model, site: Site): Promise<Context> {
  const about = model.manifest;
  const tensor = rowShape(model);
  const kind = kindOf(about, tensor);
  const examples = await exampleRows(model);
  const range = kind === "series" && !about.input.range ? spread(examples) : valueRange(about);
  return {
    model,
    about,
    site,
    kind,
    shape: kind === "series" && tensor.length === 1 ? [1, ...tensor] : tensor,
    range,
    examples,
    row: new Value({ x: usable(model, part(examples, 0, 1)), source: "" }),
    said: new Value(""),
    latency: new Value(0),
    can: (task) => model.tasks.includes(task),
  };
}

/** A row as a graph takes it: rounded and clipped where it takes whole numbers. */
export function usable(model: Model, row: NdArray<Float32Array>): NdArray {
  const tensor = inputOf(model);
  if (tensor.dtype !== "uint8") return row;
  return {
    data: Uint8Array.from(row.data, (v) => Math.min(Math.max(Math.round(v), 0), 255)),
    shape: row.shape,
  };
}

/** One row of float32 numbers, of the shape that graphs take. */
export function rowFrom(model: Model, values: ArrayLike<number>): NdArray {
  return usable(model, floats(Float32Array.from(values), [1, ...inputOf(model).row]));
}

function inputOf(model: Model): ReturnType<typeof rowTensor> {
  const { graphs, columns } = model.manifest;
  const graph = ["classifier", "encoder", "scorer"].map((n) => graphs.get(n)).find((g) => g);
  const decoder = graphs.get("decoder");
  if (graph) return rowTensor(graph, columns);
  return rowTensor({ inputs: decoder?.outputs ?? [], outputs: [], noise: [] }, columns);
}

function rowShape(model: Model): readonly number[] {
  return inputOf(model).row;
}

function kindOf(about: Manifest, shape: readonly number[]): Kind {
  if (about.columns.length) return "table";
  const colours = shape.length === 3 && shape[2] === 3;
  if (about.input.kind === "image" || colours) return "picture";
  if (about.input.kind === "windows" || about.lengths || about.channels.length) return "series";
  if (shape.length === 2 && !about.features.length) return "picture";
  const values = shape.reduce((product, side) => product * side, 1);
  return shape.length === 1 && values <= MANY ? "table" : "series";
}

/** Rows of every label if the bundle generates, else its golden ones. */
async function exampleRows(model: Model): Promise<NdArray<Float32Array>> {
  if (model.tasks.includes("generate")) {
    return (await model.generate(undefined, 48, { seed: 0 })).x;
  }
  const { x = floats([], [0]), codes } = await model.golden("classifier");
  if (!model.manifest.columns.length) return plain(x);
  const numbers = plain(x);
  const whole = numbers.shape[0] || codes?.shape[0] || 0;
  const [wide, more] = [numbers.shape[1] ?? 0, codes?.shape[1] ?? 0];
  const data = Float32Array.from({ length: whole * (wide + more) }, (_, i) => {
    const [row, k] = [Math.floor(i / (wide + more)), i % (wide + more)];
    return k < wide
      ? (numbers.data[row * wide + k] ?? NaN)
      : Number(codes?.data[row * more + k - wide]);
  });
  return floats(data, [whole, wide + more]);
}

function plain(array: NdArray): NdArray<Float32Array> {
  return floats(Float32Array.from(array.data as ArrayLike<number>, Number), array.shape);
}

function spread({ data }: NdArray<Float32Array>): readonly [number, number] {
  const values = data.filter((value) => Number.isFinite(value)).sort();
  return [values[0] ?? 0, values[values.length - 1] ?? 1];
}
